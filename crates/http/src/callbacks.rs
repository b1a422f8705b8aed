//! `[callbacks]` of a configuration: where clients may have notifications sent to, and how often one host is called.

use edgeapp_core::callback::{CallbackRule, HostPattern, OwnListeners, Pace};
use serde::{Deserialize, Serialize};

/// Where notifications may go. An address has to be `https`, to lead outside, and to name a host of the subscriber's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackSettings {
    /// `allowed_hosts`: host names that any client may name although they are not in its certificate, such as those of a notification
    /// proxy; `*.` before a name stands for all names below it. None when not given.
    pub allowed_hosts: Vec<String>,
    /// `allowed_ports`: the ports that may be named; all when not given.
    pub allowed_ports: Vec<u16>,
    /// `notifications_per_second_per_host`: how many notifications one host gets, whoever asked for them; 1,000 when not given. What is
    /// above waits.
    pub notifications_per_second_per_host: u32,
    /// `connections_per_second_per_host`: how many connections to one host are opened; 50 when not given, and twice as many at once.
    /// This is all that a host which is no subscriber can be made to suffer.
    pub connections_per_second_per_host: u32,
}

impl Default for CallbackSettings {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            allowed_ports: Vec::new(),
            notifications_per_second_per_host: 1000,
            connections_per_second_per_host: 50,
        }
    }
}

impl CallbackSettings {
    /// What cannot be meant: the key, and why.
    pub fn wrong(&self) -> Vec<(&'static str, String)> {
        let mut wrong: Vec<_> = self
            .allowed_hosts
            .iter()
            .filter_map(|host| Some((host, host.parse::<HostPattern>().err()?)))
            .map(|(host, reason)| ("callbacks.allowed_hosts", format!("`{host}` {reason}")))
            .collect();
        for (key, number) in [
            (
                "callbacks.notifications_per_second_per_host",
                self.notifications_per_second_per_host,
            ),
            (
                "callbacks.connections_per_second_per_host",
                self.connections_per_second_per_host,
            ),
        ] {
            if number == 0 {
                wrong.push((key, "must be at least 1".to_owned()));
            }
        }
        wrong
    }

    /// The rule that they come to, for a server that listens at `own`.
    pub fn rule(&self, allow_private_addresses: bool, own: &OwnListeners) -> CallbackRule {
        CallbackRule {
            allow_private_addresses,
            allowed_hosts: self.allowed_hosts.iter().filter_map(|host| host.parse().ok()).collect(),
            allowed_ports: self.allowed_ports.clone(),
            own: own.clone(),
            pace: Some(Pace {
                notifications: self.notifications_per_second_per_host,
                connections: self.connections_per_second_per_host,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_hosts_are_named() {
        let settings: CallbackSettings = toml::from_str(
            "allowed_hosts = [\"*.proxy.example\", \"https://a\"]\nconnections_per_second_per_host = 0\n",
        )
        .expect("settings");
        let wrong = settings.wrong();
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].0 == "callbacks.allowed_hosts" && wrong[0].1.contains("https://a"));
        assert!(CallbackSettings::default().wrong().is_empty());
    }
}
