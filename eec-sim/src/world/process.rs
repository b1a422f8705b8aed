//! A server as a process of its own.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long a server may take until it is ready.
const START: Duration = Duration::from_secs(180);

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The program cannot be run.
    #[error("{name} ({program}) cannot be started: {error}")]
    Program {
        /// The server.
        name: String,
        /// The program.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It ended, or did not say that it is ready.
    #[error("{name} {what}; the end of its log ({log}):\n{tail}")]
    NotReady {
        /// The server.
        name: String,
        /// What it did.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// It does not say where it listens.
    #[error("{name} is ready but told no listener {listener}")]
    NoListener {
        /// The server.
        name: String,
        /// The listener.
        listener: String,
    },
}

/// A running server. It is killed when this value goes away.
#[derive(Debug)]
pub struct Server {
    name: String,
    listeners: BTreeMap<String, String>,
    log: PathBuf,
    child: Child,
}

impl Server {
    /// Starts `<program> serve --config <config>` and waits until it is ready. Its log goes to `log`.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start(program: &Path, name: &str, config: &Path, log: &Path) -> Result<Self, NotStarted> {
        Self::start_as(program, "serve", name, config, log).await
    }

    /// As [`Server::start`], with another subcommand than `serve`.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_as(
        program: &Path,
        command: &str,
        name: &str,
        config: &Path,
        log: &Path,
    ) -> Result<Self, NotStarted> {
        let mut run = Command::new(program);
        run.arg(command).arg("--config").arg(config);
        Self::launch(run, program, name, log).await
    }

    /// As [`Server::start`], and [`Server::fill_disk`] can be used.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn start_to_be_filled(program: &Path, name: &str, config: &Path, log: &Path) -> Result<Self, NotStarted> {
        // A file that may not be written is an error of the write, as on a full disk, when the signal for it is ignored.
        let mut run = Command::new("sh");
        run.arg("-c").arg("trap '' XFSZ; exec \"$0\" \"$@\"").arg(program);
        run.args(["serve", "--config"]).arg(config);
        Self::launch(run, program, name, log).await
    }

    /// From now on every write to a file fails, as on a full disk.
    ///
    /// # Errors
    /// When the operating system does not take the limit, or knows none.
    pub async fn fill_disk(&self) -> io::Result<()> {
        let pid = self.pid().ok_or_else(|| io::Error::other("the process has ended"))?;
        let mut limit = Command::new("prlimit");
        limit.arg(format!("--pid={pid}")).arg("--fsize=1:");
        let done = limit.output().await?;
        match done.status.success() {
            true => Ok(()),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            )),
        }
    }

    async fn launch(mut run: Command, program: &Path, name: &str, log: &Path) -> Result<Self, NotStarted> {
        let failed = |error| NotStarted::Program {
            name: name.to_owned(),
            program: program.to_owned(),
            error,
        };
        // What an earlier process of this name said stays.
        let file = File::options().create(true).append(true).open(log).map_err(failed)?;
        let mut child = run
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let mut lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        let mut listeners = BTreeMap::new();
        let ready = async {
            while let Some(lines) = &mut lines {
                let Ok(Some(line)) = lines.next_line().await else {
                    return false;
                };
                match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                    ["listening", name, url] => {
                        listeners.insert((*name).to_owned(), (*url).to_owned());
                    }
                    ["ready"] => return true,
                    _ => {}
                }
            }
            false
        };
        let what = match timeout(START, ready).await {
            Ok(true) => None,
            Ok(false) => Some(match timeout(Duration::from_secs(1), child.wait()).await {
                Ok(Ok(status)) => format!("ended ({status})"),
                _ => "closed its output before it was ready".to_owned(),
            }),
            Err(_) => Some(format!("was not ready within {START:?}")),
        };
        if let Some(what) = what {
            return Err(NotStarted::NotReady {
                name: name.to_owned(),
                what,
                log: log.to_owned(),
                tail: tail(log),
            });
        }
        if let Some(mut lines) = lines {
            // Whatever else it says must not fill the pipe.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        }
        Ok(Self {
            name: name.to_owned(),
            listeners,
            log: log.to_owned(),
            child,
        })
    }

    /// Kills it, without a chance to put anything in order.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of its process; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The `apiRoot` of one of its listeners, such as `edge1`.
    ///
    /// # Errors
    /// When it told none of this name.
    pub fn root(&self, listener: &str) -> Result<&str, NotStarted> {
        let missing = || NotStarted::NoListener {
            name: self.name.clone(),
            listener: listener.to_owned(),
        };
        self.listeners.get(listener).map(String::as_str).ok_or_else(missing)
    }
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(8)..];
    if tail.is_empty() {
        "  (empty)".to_owned()
    } else {
        tail.iter()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn program(dir: &Path, script: &str) -> PathBuf {
        let path = dir.join("server");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[tokio::test]
    async fn listeners_are_read_until_it_is_ready() {
        let dir = tempfile::tempdir().unwrap();
        let program = program(
            dir.path(),
            "echo listening edge1 https://127.0.0.1:41233; echo ready; exec cat /dev/zero",
        );
        let server = Server::start(&program, "ees-a", Path::new("x"), &dir.path().join("log"))
            .await
            .unwrap();
        assert_eq!(server.root("edge1").unwrap(), "https://127.0.0.1:41233");
        assert!(matches!(server.root("edge9"), Err(NotStarted::NoListener { .. })));
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_of_the_write() {
        let dir = tempfile::tempdir().unwrap();
        let (file, failed) = (dir.path().join("file"), dir.path().join("failed"));
        // Whether the write failed is told by a folder: no file can be written any more.
        let script = format!(
            "echo ready; while [ ! -e {go} ]; do sleep 0.05; done; echo more > {file} || mkdir {failed}; sleep 60",
            go = dir.path().join("go").display(),
            file = file.display(),
            failed = failed.display(),
        );
        let (program, log) = (program(dir.path(), &script), dir.path().join("log"));
        let server = Server::start_to_be_filled(&program, "ees-a", Path::new("x"), &log)
            .await
            .unwrap();
        server.fill_disk().await.unwrap();
        std::fs::write(dir.path().join("go"), "").unwrap();
        let told = async {
            while !failed.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), told).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_ends_shows_the_end_of_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let program = program(dir.path(), "echo 'ees.toml:3: no such key' >&2; exit 2");
        let error = Server::start(&program, "ees-a", Path::new("x"), &dir.path().join("log"))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains("ended") && error.contains("no such key"), "{error}");
    }
}
