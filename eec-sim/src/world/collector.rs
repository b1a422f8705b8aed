//! A simulated collector of audit records: it keeps what EESs and ECSs hand over, each record once, and says how far it has got.
//!
//! `POST /records/<log>` with lines of JSON is answered by `{"kept": <number>}`; by 409 with the same when a record is missing between
//! what is kept and what was sent. The records of a log lie in a file `<role>-<log>.jsonl`.

use super::nef::{
    doors::{Reply, Request},
    server::accept,
};
use crate::pki::{Files, Pki};
use axum::http::{Method, StatusCode};
use edgeapp_core::principal::Role;
use edgeapp_http::{collector::Kept, tls::server_config};
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The path under which records are taken.
pub const PATH: &str = "/records";

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

/// A collector on loopback.
pub struct Collector {
    socket: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    kept: Arc<Keeper>,
}

/// What is kept, and where.
struct Keeper {
    folder: PathBuf,
    last: Mutex<HashMap<PathBuf, u64>>,
}

impl Collector {
    /// Binds a port on loopback, with this certificate; records go to `folder`, also those of a collector that was here before.
    ///
    /// # Errors
    /// When certificates, port or folder cannot be used.
    pub async fn bind(files: &Files, pki: &Pki, port: u16, folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let roles = [Role::Ees, Role::Ecs];
        let clients: Result<Vec<_>, _> = roles.into_iter().map(|role| Ok((role, pki.trust(role)?))).collect();
        let tls = clients.and_then(|clients| server_config(&files.identity()?, &clients, true));
        Ok(Self {
            socket: TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?,
            tls: tls.map_err(io::Error::other)?,
            kept: Arc::new(Keeper {
                folder: folder.to_owned(),
                last: Mutex::default(),
            }),
        })
    }

    /// The address that servers post to.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn url(&self) -> io::Result<String> {
        Ok(format!("https://{}{PATH}", self.socket.local_addr()?))
    }

    /// Takes records until `stop`.
    pub async fn serve(self, stop: CancellationToken) {
        let kept = self.kept;
        let handler = move |request: Request| {
            let kept = kept.clone();
            async move { Some(kept.answer(&request)) }
        };
        accept(self.socket, self.tls, stop, handler).await;
    }
}

impl Keeper {
    fn answer(&self, request: &Request) -> Reply {
        let no = |status| Reply::of(status, serde_json::json!({}));
        let log = request.path.strip_prefix(PATH).and_then(|rest| rest.strip_prefix('/'));
        let Some(log) = log.filter(|log| !log.is_empty() && log.bytes().all(|byte| byte.is_ascii_hexdigit())) else {
            return no(StatusCode::NOT_FOUND);
        };
        if request.method != Method::POST {
            return no(StatusCode::METHOD_NOT_ALLOWED);
        }
        let path = self.folder.join(format!("{}-{log}.jsonl", request.role));
        match self.keep(path, &request.body) {
            Ok((whole, kept)) => {
                let status = if whole { StatusCode::OK } else { StatusCode::CONFLICT };
                Reply::of(status, serde_json::to_value(Kept { kept }).unwrap_or_default())
            }
            Err(error) => {
                tracing::error!(%error, "records cannot be kept");
                no(StatusCode::SERVICE_UNAVAILABLE)
            }
        }
    }

    /// Keeps what is new of these lines. Says whether nothing was missing before them, and the last record kept.
    fn keep(&self, path: PathBuf, lines: &[u8]) -> io::Result<(bool, u64)> {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = match all.get(&path) {
            Some(last) => *last,
            None => last_in(&path)?,
        };
        let (mut new, mut end, mut whole) = (Vec::new(), last, true);
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Numbered { number } = serde_json::from_slice(line)?;
            if number == end + 1 {
                new.extend_from_slice(line);
                new.push(b'\n');
                end = number;
            } else if number > end {
                whole = false;
                break;
            }
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        file.write_all(&new)?;
        file.sync_data()?;
        all.insert(path, end);
        Ok((whole, end))
    }
}

fn last_in(path: &Path) -> io::Result<u64> {
    match fs::read(path) {
        Ok(bytes) => {
            let last = bytes.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
            Ok(last
                .map(serde_json::from_slice::<Numbered>)
                .transpose()?
                .map_or(0, |last| last.number))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_is_kept_once_and_none_is_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let keeper = || Keeper {
            folder: folder.path().to_owned(),
            last: Mutex::default(),
        };
        let path = folder.path().join("ees-0.jsonl");
        let lines = |numbers: std::ops::RangeInclusive<u64>| {
            numbers
                .map(|number| format!("{{\"number\":{number}}}\n"))
                .collect::<String>()
        };
        let first = keeper();
        let keep = |keeper: &Keeper, numbers| keeper.keep(path.clone(), lines(numbers).as_bytes()).expect("kept");
        assert_eq!(keep(&first, 1..=3), (true, 3));
        assert_eq!(keep(&first, 2..=5), (true, 5));
        assert_eq!(keep(&first, 7..=8), (false, 5));
        assert_eq!(keep(&keeper(), 4..=6), (true, 6), "also after a restart");
        assert_eq!(fs::read_to_string(&path).expect("a file"), lines(1..=6));
    }
}
