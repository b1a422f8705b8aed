//! What a configuration comes to: every setting as the server takes it, its fingerprint, and what is weaker than the reference.

use edgeapp_core::hardening::{Finding, Hardened};
use serde::Serialize;
use std::fmt::Write;

/// The settings that a server runs with.
#[derive(Debug)]
pub struct Effective {
    settings: String,
    fingerprint: String,
    weaker: Vec<Finding>,
}

impl Effective {
    /// Of a configuration that was read and completed by its defaults.
    ///
    /// # Errors
    /// When a value cannot be written as TOML.
    pub fn of<C: Serialize + Hardened>(config: &C) -> Result<Self, String> {
        let settings = toml::to_string(config).map_err(|error| error.to_string())?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, settings.as_bytes());
        let fingerprint = digest.as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(Self {
            settings,
            fingerprint,
            weaker: config.profile().weaker(),
        })
    }

    /// All settings as TOML, ended by their fingerprint: what `check-config` prints.
    pub fn text(&self) -> String {
        format!("{}\n# sha256 of these settings: {}\n", self.settings, self.fingerprint)
    }

    /// SHA-256 of the settings: two servers with the same run with the same settings.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Whether nothing is weaker than in the hardened reference.
    ///
    /// # Errors
    /// Names what is, a line for each.
    pub fn verdict(&self) -> Result<(), String> {
        if self.weaker.is_empty() {
            return Ok(());
        }
        let lines: String = self.weaker.iter().map(|finding| format!("\n  {finding}")).collect();
        Err(format!("weaker than the hardened reference:{lines}"))
    }

    /// Writes into the log which settings are in force.
    pub fn log(&self) {
        tracing::info!(target: "settings", sha256 = self.fingerprint, "settings in force");
        for finding in &self.weaker {
            tracing::warn!(
                target: "settings",
                key = finding.key,
                value = finding.value,
                reference = %finding.reference,
                reason = finding.reason,
                "a setting is weaker than the hardened reference"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgeapp_core::hardening::{Check, Profile};

    #[derive(Serialize)]
    struct Config {
        plain: bool,
    }

    impl Hardened for Config {
        fn profile(&self) -> Profile<'_, Self> {
            static CHECKS: &[Check<Config>] = &[Check::on("plain", |config| config.plain, "it can be read on the way")];
            Profile::of(self).with(CHECKS)
        }
    }

    #[test]
    fn the_fingerprint_is_that_of_the_printed_settings() {
        let strict = Effective::of(&Config { plain: false }).expect("TOML");
        // printf 'plain = false\n' | sha256sum
        let sum = "667241953e6a9b48e3ec8387f49fc9086ad4eb9e0ab22d141bb74d6602947923";
        assert_eq!(strict.fingerprint(), sum);
        assert_eq!(
            strict.text(),
            format!("plain = false\n\n# sha256 of these settings: {sum}\n")
        );
        let weak = Effective::of(&Config { plain: true }).expect("TOML");
        assert_ne!(weak.fingerprint(), sum);
    }

    #[test]
    fn the_verdict_names_each_weaker_setting_in_a_line() {
        assert_eq!(Effective::of(&Config { plain: false }).expect("TOML").verdict(), Ok(()));
        let verdict = Effective::of(&Config { plain: true }).expect("TOML").verdict();
        assert_eq!(
            verdict.expect_err("weaker"),
            "weaker than the hardened reference:\n  plain = true (reference: false): it can be read on the way"
        );
    }
}
