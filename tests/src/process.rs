//! A server as a process of its own, which tests stop, kill and start again.

use crate::wait::DEADLINE;
use std::{
    collections::BTreeMap,
    env,
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// The program of this name, which cargo built beside the tests.
///
/// # Panics
/// When it is not there.
pub fn program(name: &str) -> PathBuf {
    let own = env::current_exe().expect("a test knows where it is");
    let folder = own
        .ancestors()
        .find(|folder| folder.ends_with("deps"))
        .and_then(Path::parent);
    let folder = folder.unwrap_or_else(|| own.parent().expect("a file lies in a folder"));
    let program = folder.join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(
        program.is_file(),
        "{} is missing; `cargo test --workspace` builds it",
        program.display()
    );
    program
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Which log lines are written.
    pub filter: String,
    /// Everybody may read the files it makes, unless it says otherwise.
    pub without_umask: bool,
    /// No file may grow beyond so many KiB: to the program that is a disk without room.
    pub small_files: Option<u32>,
    /// More variables in its environment.
    pub environment: Vec<(String, PathBuf)>,
}

impl Default for Launch {
    fn default() -> Self {
        Self {
            filter: "info,edgeapp_http=warn".to_owned(),
            without_umask: false,
            small_files: None,
            environment: Vec::new(),
        }
    }
}

impl Launch {
    fn command(&self, name: &str) -> Command {
        let mut before = String::new();
        if self.without_umask {
            before.push_str("umask 000; ");
        }
        if let Some(kib) = self.small_files {
            // A file that is too long is an error of the write, as on a full disk, when the signal for it is ignored.
            before.push_str(&format!("trap '' XFSZ; ulimit -f {kib}; "));
        }
        let mut command = match before.is_empty() {
            true => Command::new(program(name)),
            false => {
                let mut shell = Command::new("bash");
                shell
                    .arg("-c")
                    .arg(format!("{before}exec \"$0\" \"$@\""))
                    .arg(program(name));
                shell
            }
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running server. It is killed when this value goes away.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    roots: BTreeMap<String, String>,
    log: PathBuf,
}

impl Process {
    /// Starts `<program> serve --config <config>` and waits until it is ready. Its log is appended to `log`.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start(name: &str, config: &Path, log: &Path, launch: &Launch) -> Self {
        match Self::try_start(name, config, log, launch).await {
            Ok(process) => process,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// As [`Process::start`], where it may fail: says what it logged last.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn try_start(name: &str, config: &Path, log: &Path, launch: &Launch) -> Result<Self, String> {
        let mut process = Self::spawn(name, config, log, launch)?;
        process.ready().await?;
        Ok(process)
    }

    /// Starts it without waiting for anything.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn spawn(name: &str, config: &Path, log: &Path, launch: &Launch) -> Result<Self, String> {
        let errors = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(|error| error.to_string())?;
        // A core function has no program of its own.
        let (program, serve) = match name {
            "ccf" => ("ees", "ccf"),
            name => (name, "serve"),
        };
        let mut command = launch.command(program);
        let mut child = command
            .args([serve, "--log", &launch.filter, "--config"])
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self {
            name: name.to_owned(),
            child,
            lines,
            roots: BTreeMap::new(),
            log: log.to_owned(),
        })
    }

    /// Waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn ready(&mut self) -> Result<(), String> {
        let Self { lines, roots, .. } = self;
        let ready = async {
            while let Ok(Some(line)) = lines.next_line().await {
                match line.split_whitespace().collect::<Vec<_>>().as_slice() {
                    ["listening", name, url] => drop(roots.insert((*name).to_owned(), (*url).to_owned())),
                    ["ready"] => return true,
                    _ => {}
                }
            }
            false
        };
        match timeout(DEADLINE, ready).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("{} ended before it was ready:\n{}", self.name, self.tail())),
            Err(_) => Err(format!(
                "{} was not ready within {DEADLINE:?}:\n{}",
                self.name,
                self.tail()
            )),
        }
    }

    /// The `apiRoot` of one of its listeners, such as `edge1`.
    ///
    /// # Panics
    /// When it told of no such listener.
    pub fn root(&self, listener: &str) -> &str {
        self.roots
            .get(listener)
            .unwrap_or_else(|| panic!("{} has no listener {listener}: {:?}", self.name, self.roots))
    }

    /// The listeners it told of, with their `apiRoot`s.
    pub fn roots(&self) -> &BTreeMap<String, String> {
        &self.roots
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// When it had ended before.
    pub async fn kill(mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            panic!("{} ended by itself ({status}):\n{}", self.name, self.tail());
        }
        self.child.kill().await.expect("a child can be killed");
    }

    /// The number of the process.
    ///
    /// # Panics
    /// When it ended by itself.
    pub fn id(&self) -> u32 {
        let id = self.child.id();
        id.unwrap_or_else(|| panic!("{} ended by itself:\n{}", self.name, self.tail()))
    }

    /// Sends it a signal, by its name without `SIG`.
    ///
    /// # Panics
    /// When it cannot be sent.
    pub async fn signal(&self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", self.id())])
            .status()
            .await;
        assert!(
            sent.is_ok_and(|status| status.success()),
            "{} could not be sent SIG{signal}",
            self.name
        );
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal("TERM").await;
        match timeout(DEADLINE, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("{} did not stop:\n{}", self.name, self.tail()),
        }
    }

    /// The memory that it holds, in KiB.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn memory(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process has a status");
        let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let held = held.and_then(|held| held.trim().strip_suffix(" kB")?.trim().parse().ok());
        held.expect("the memory that it holds")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}
