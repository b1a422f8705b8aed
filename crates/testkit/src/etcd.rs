//! A private etcd for tests: one member on loopback, gone with the value.

use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How long it may take to become healthy.
const DEADLINE: Duration = Duration::from_secs(30);

/// Somebody else may take a port between our looking and etcd's binding.
const ATTEMPTS: usize = 3;

/// An etcd process with an empty data directory, killed on drop.
#[derive(Debug)]
pub struct PrivateEtcd {
    child: Child,
    folder: TempDir,
    address: String,
}

impl PrivateEtcd {
    /// Starts one and waits until it is healthy. `None` when etcd is not installed (`apt-get install etcd-server`).
    ///
    /// # Panics
    /// When it is installed and does not start.
    pub async fn start() -> Option<Self> {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            let mut etcd = Self::spawn()?;
            if etcd.becomes_healthy().await {
                return Some(etcd);
            }
            log = std::fs::read_to_string(etcd.folder.path().join("log")).unwrap_or_default();
        }
        panic!("etcd does not start:\n{log}");
    }

    /// Where clients find it, such as `http://127.0.0.1:23790`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn spawn() -> Option<Self> {
        let (client, peer) = two_free_ports().expect("loopback has free ports");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = std::fs::File::create(folder.path().join("log")).expect("a log in a new folder");
        let client = format!("http://{}:{client}", Ipv4Addr::LOCALHOST);
        let peer = format!("http://{}:{peer}", Ipv4Addr::LOCALHOST);
        let child = Command::new("etcd")
            .args(["--name", "private", "--data-dir"])
            .arg(folder.path().join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("private={peer}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        match child {
            Ok(child) => Some(Self {
                child,
                folder,
                address: client.trim_start_matches("http://").to_owned(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("etcd cannot be run: {error}"),
        }
    }

    async fn becomes_healthy(&mut self) -> bool {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return false;
            }
            if matches!(timeout(Duration::from_secs(2), self.health()).await, Ok(Ok(answer)) if answer.contains(r#""true""#))
            {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }

    async fn health(&self) -> io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

impl Drop for PrivateEtcd {
    fn drop(&mut self) {
        // It may have ended by itself; either way there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both are held at once, so that they differ.
fn two_free_ports() -> io::Result<(u16, u16)> {
    let one = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let two = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok((one.local_addr()?.port(), two.local_addr()?.port()))
}
