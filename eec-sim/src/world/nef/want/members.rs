//! Members of a body, read with pointers for what is wrong.

use crate::world::nef::model::Target;
use edgeapp_core::error::{Cause, Error, Kind};
use edgeapp_openapi::common::DateTime;
use serde_json::Value;

/// A request body with pointers for what is wrong in it.
#[derive(Clone, Copy)]
pub(super) struct Members<'a> {
    pub(super) body: &'a Value,
    pub(super) at: &'a str,
}

impl<'a> Members<'a> {
    /// The members of a body.
    ///
    /// # Errors
    /// When it is no object.
    pub(super) fn of(body: &'a Value) -> Result<Self, Error> {
        if body.is_object() {
            return Ok(Self { body, at: "" });
        }
        Err(Error::new(
            Kind::Invalid,
            Cause::InvalidMsgFormat,
            "the body must be a JSON object",
        ))
    }

    pub(super) fn pointer(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.body.get(name).is_some()
    }

    pub(super) fn read<T>(
        &self,
        name: &str,
        must: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let wrong = || Error::optional_incorrect(self.pointer(name), must);
        self.body
            .get(name)
            .map(|value| read(value).ok_or_else(wrong))
            .transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        self.read(name, "must be a text that is not empty", |value| {
            value.as_str().filter(|text| !text.is_empty())
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<u32>, Error> {
        self.read(name, "must be a whole number from 0 on", |value| {
            value.as_u64().and_then(|number| u32::try_from(number).ok())
        })
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Error> {
        Ok(self
            .read(name, "must be true or false", Value::as_bool)?
            .unwrap_or_default())
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let all = |value: &'a Value| {
            let items = value.as_array().filter(|items| !items.is_empty())?;
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Ok(self
            .read(name, "must be a list of texts that is not empty", all)?
            .unwrap_or_default())
    }

    pub(super) fn instant(&self, name: &str) -> Result<Option<DateTime>, Error> {
        self.read(name, "must be a date and time of RFC 3339", |value| {
            value.as_str().and_then(|text| text.parse().ok())
        })
    }

    pub(super) fn mandatory<T>(&self, name: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| Error::mandatory_missing(self.pointer(name), "is missing"))
    }

    pub(super) fn link(&self, name: &str) -> Result<Option<String>, Error> {
        self.read(name, "must be an absolute https URI", |value| {
            value
                .as_str()
                .filter(|text| text.starts_with("https://"))
                .map(str::to_owned)
        })
    }

    /// Which one of these is there.
    ///
    /// # Errors
    /// When none or several are; all of them are named.
    pub(super) fn exactly_one(&self, names: &'static [&'static str]) -> Result<&'static str, Error> {
        let present: Vec<_> = names.iter().copied().filter(|name| self.has(name)).collect();
        if let [one] = present[..] {
            return Ok(one);
        }
        let cause = if present.is_empty() {
            Cause::MandatoryIeMissing
        } else {
            Cause::OptionalIeIncorrect
        };
        let wrong = if present.is_empty() { names } else { &present[..] };
        let reason = format!("exactly one of {} has to be there", names.join(", "));
        let mut error = Error::invalid(cause, self.pointer(wrong[0]), reason.clone());
        error.detail = reason.into();
        error.invalid = wrong
            .iter()
            .flat_map(|name| Error::invalid(cause, self.pointer(name), "exactly one of these").invalid)
            .collect();
        Err(error)
    }

    pub(super) fn target(&self, names: &'static [&'static str]) -> Result<Target, Error> {
        let name = self.exactly_one(names)?;
        let text = |members: &Self| members.text(name).map(|text| text.unwrap_or_default().to_owned());
        let address = |text: &str, pointer: String| {
            let text = text.split('/').next().unwrap_or_default();
            text.parse()
                .map(Target::Address)
                .map_err(|_| Error::optional_incorrect(pointer, "must be an IP address"))
        };
        match name {
            "gpsi" => text(self).map(Target::Gpsi),
            "externalId" => text(self).map(Target::ExternalId),
            "msisdn" => text(self).map(Target::Msisdn),
            "externalGroupId" | "exterGroupId" | "extGroupId" => text(self).map(Target::Group),
            "ueIpAddr" => {
                let at = self.pointer(name);
                let inner = Members {
                    body: &self.body[name],
                    at: &at,
                };
                let name = inner.exactly_one(&["ipv4Addr", "ipv6Addr", "ipv6Prefix"])?;
                address(inner.text(name)?.unwrap_or_default(), inner.pointer(name))
            }
            "anyUeInd" if self.flag(name)? => Ok(Target::Any),
            "anyUeInd" => Err(Error::optional_incorrect(
                self.pointer(name),
                "means nothing unless true",
            )),
            "macAddr" => Err(Error::optional_incorrect(
                self.pointer(name),
                "no UE of this network is known by a MAC address",
            )),
            _ => address(&text(self)?, self.pointer(name)),
        }
    }
}
