//! Discovery (TS 29.222 clause 5.2): which published APIs fit what an invoker looks for.

use crate::{
    caller::Proof,
    core_function::CoreFunction,
    publish::{PublishedApi, shown},
    routing,
};
use edgeapp_core::{
    error::Error,
    follow::View,
    kept::Kept,
    store::{Change, Entry, Key},
};
use edgeapp_openapi::{
    capif::{
        discover_service::{DiscoveredApis, DiscoveryQuery},
        features::discover_service::SERVED,
        publish_service::{AefLocation, AefProfile, Resource, ServiceApiDescription, ServiceKpis, Version},
    },
    common::{DateTime, MAX_ITEMS},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
};

#[derive(Default)]
struct Known {
    apis: BTreeMap<Key, Arc<PublishedApi>>,
    by_name: HashMap<String, BTreeSet<Key>>,
    by_aef: HashMap<String, BTreeSet<Key>>,
}

impl Known {
    fn remove(&mut self, key: &Key) {
        let Some(api) = self.apis.remove(key) else { return };
        let forget = |index: &mut HashMap<String, BTreeSet<Key>>, word: &str| {
            if let Some(keys) = index.get_mut(word) {
                keys.remove(key);
                if keys.is_empty() {
                    index.remove(word);
                }
            }
        };
        forget(&mut self.by_name, &api.description.api_name);
        for aef_id in api.aef_ids() {
            forget(&mut self.by_aef, aef_id);
        }
    }

    fn put(&mut self, entry: &Entry) {
        self.remove(&entry.key);
        let Ok(kept) = Kept::<PublishedApi>::from_entry(entry) else {
            return;
        };
        let api = Arc::new(kept.value);
        self.by_name
            .entry(api.description.api_name.clone())
            .or_default()
            .insert(entry.key.clone());
        for aef_id in api.aef_ids() {
            self.by_aef
                .entry(aef_id.to_owned())
                .or_default()
                .insert(entry.key.clone());
        }
        self.apis.insert(entry.key.clone(), api);
    }
}

/// The published APIs: a read model, which follows the store.
#[derive(Default)]
pub struct Catalogue(RwLock<Known>);

impl View for Catalogue {
    fn reset(&self, entries: Vec<Entry>) {
        let mut fresh = Known::default();
        entries.iter().for_each(|entry| fresh.put(entry));
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn apply(&self, changes: Vec<Change>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(entry) => known.put(&entry),
                Change::Deleted(key, _) => known.remove(&key),
            }
        }
    }
}

impl Catalogue {
    fn read<T>(&self, look: impl FnOnce(&Known) -> T) -> T {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The API of this identifier.
    pub fn api(&self, id: &str) -> Option<Arc<PublishedApi>> {
        self.read(|known| known.apis.get(&crate::publish::api_key(id)).cloned())
    }

    /// The APIs that this exposing function has.
    pub fn of_aef(&self, aef_id: &str) -> Vec<Arc<PublishedApi>> {
        self.read(|known| {
            let keys = known.by_aef.get(aef_id).into_iter().flatten();
            keys.filter_map(|key| known.apis.get(key).cloned()).collect()
        })
    }

    /// The descriptions that this function published.
    pub fn of_publisher(&self, apf_id: &str) -> Vec<ServiceApiDescription> {
        let of = |api: &&Arc<PublishedApi>| api.apf_id.as_str() == apf_id;
        self.read(|known| {
            known
                .apis
                .values()
                .filter(of)
                .map(|api| api.description.clone())
                .collect()
        })
    }

    /// All that may fit a query: those of its name, or of its exposing function, or all.
    fn candidates(&self, query: &DiscoveryQuery) -> Vec<Arc<PublishedApi>> {
        self.read(|known| {
            let of = |keys: Option<&BTreeSet<Key>>| {
                let keys = keys.into_iter().flatten();
                keys.filter_map(|key| known.apis.get(key).cloned()).collect()
            };
            match (&query.api_name, &query.aef_id) {
                (Some(name), _) => of(known.by_name.get(name)),
                (None, Some(aef_id)) => of(known.by_aef.get(aef_id.as_str())),
                (None, None) => known.apis.values().cloned().collect(),
            }
        })
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<PublishedApi>> {
        self.read(|known| known.apis.values().cloned().collect())
    }
}

fn is_or_any<T: PartialEq>(wanted: Option<&T>, is: Option<&T>) -> bool {
    wanted.is_none_or(|wanted| is == Some(wanted))
}

fn speaks(version: &Version, query: &DiscoveryQuery, now: DateTime) -> bool {
    let talks = |resource: &Resource| {
        query
            .comm_type
            .as_ref()
            .is_none_or(|wanted| *wanted == resource.comm_type)
    };
    let operations = version.cust_operations.iter();
    version.expiry.is_none_or(|end| now < end)
        && query
            .api_version
            .as_ref()
            .is_none_or(|wanted| *wanted == version.api_version)
        && (query.comm_type.is_none()
            || version.resources.iter().any(talks)
            || operations
                .into_iter()
                .any(|operation| Some(&operation.comm_type) == query.comm_type.as_ref()))
}

/// Whether what is offered is at least what is wanted.
fn delivers(offered: Option<&ServiceKpis>, wanted: &ServiceKpis) -> bool {
    let none = ServiceKpis::default();
    let offered = offered.unwrap_or(&none);
    fn enough<T, V: PartialOrd>(wanted: Option<&T>, offered: Option<&T>, worth: impl Fn(&T) -> V) -> bool {
        wanted.is_none_or(|wanted| offered.is_some_and(|offered| worth(offered) >= worth(wanted)))
    }
    let number = |number: &u64| *number;
    enough(wanted.max_req_rate.as_ref(), offered.max_req_rate.as_ref(), number)
        && wanted
            .max_restime
            .is_none_or(|wanted| offered.max_restime.is_some_and(|offered| offered <= wanted))
        && enough(wanted.availability.as_ref(), offered.availability.as_ref(), number)
        && enough(wanted.aval_comp.as_ref(), offered.aval_comp.as_ref(), |amount| {
            amount.worth()
        })
        && enough(
            wanted.aval_gra_comp.as_ref(),
            offered.aval_gra_comp.as_ref(),
            |amount| amount.worth(),
        )
        && enough(wanted.aval_mem.as_ref(), offered.aval_mem.as_ref(), |amount| {
            amount.worth()
        })
        && enough(wanted.aval_stor.as_ref(), offered.aval_stor.as_ref(), |amount| {
            amount.worth()
        })
        && enough(wanted.con_band.as_ref(), offered.con_band.as_ref(), number)
}

/// Pure: the profile with the versions that fit; `None` when it does not fit.
fn profile_that_fits(profile: &AefProfile, query: &DiscoveryQuery, now: DateTime) -> Option<AefProfile> {
    let fits = query.aef_id.as_ref().is_none_or(|wanted| *wanted == profile.aef_id)
        && is_or_any(query.protocol.as_ref(), profile.protocol.as_ref())
        && is_or_any(query.data_format.as_ref(), profile.data_format.as_ref())
        && query.ue_ip_addr.as_ref().is_none_or(|address| {
            profile
                .ue_ip_range
                .as_ref()
                .is_none_or(|range| range.holds(address.address()))
        })
        && query
            .service_kpis
            .as_ref()
            .is_none_or(|wanted| delivers(profile.service_kpis.as_ref(), wanted));
    if !fits {
        return None;
    }
    let versions: Vec<Version> = profile
        .versions
        .iter()
        .filter(|version| speaks(version, query, now))
        .cloned()
        .collect();
    (!versions.is_empty()).then(|| AefProfile {
        versions,
        ..profile.clone()
    })
}

/// Pure: the description of an API as a query finds it, with the profiles and versions that fit; `None` when none does.
pub fn fits(api: &ServiceApiDescription, query: &DiscoveryQuery, now: DateTime) -> Option<ServiceApiDescription> {
    let named = query.api_name.as_ref().is_none_or(|wanted| *wanted == api.api_name)
        && is_or_any(query.api_cat.as_ref(), api.service_api_category.as_ref())
        && is_or_any(query.req_api_prov_name.as_ref(), api.api_prov_name.as_ref())
        && query
            .api_supported_features
            .is_none_or(|wanted| api.api_supp_feats.is_some_and(|has| has.common(&wanted) == wanted));
    if !named {
        return None;
    }
    let active = |profile: &&AefProfile| {
        api.api_status
            .as_ref()
            .is_none_or(|status| status.aef_ids.contains(&profile.aef_id))
    };
    let profiles: Vec<AefProfile> = api
        .aef_profiles
        .iter()
        .filter(active)
        .filter_map(|profile| profile_that_fits(profile, query, now))
        .collect();
    (!profiles.is_empty()).then(|| ServiceApiDescription {
        aef_profiles: profiles,
        ..shown(api, query.supported_features.map(|offered| SERVED.common(&offered)))
    })
}

/// Pure: only what is at the preferred place, if anything is.
pub fn prefer(found: Vec<ServiceApiDescription>, at: Option<&AefLocation>) -> Vec<ServiceApiDescription> {
    let Some(at) = at else { return found };
    let near = |profile: &AefProfile| {
        profile.aef_location.as_ref().is_some_and(|is| {
            (at.dc_id.is_some() && is.dc_id == at.dc_id)
                || (at.civic_addr.is_some() && is.civic_addr == at.civic_addr)
                || (at.geo_area.is_some() && is.geo_area == at.geo_area)
        })
    };
    let preferred: Vec<ServiceApiDescription> = found
        .iter()
        .filter_map(|api| {
            let profiles: Vec<AefProfile> = api
                .aef_profiles
                .iter()
                .filter(|profile| near(profile))
                .cloned()
                .collect();
            (!profiles.is_empty()).then(|| ServiceApiDescription {
                aef_profiles: profiles,
                ..api.clone()
            })
        })
        .collect();
    if preferred.is_empty() { found } else { preferred }
}

impl CoreFunction {
    /// The APIs that fit a query of an invoker.
    ///
    /// # Errors
    /// When the caller is no invoker, or says that it is another one; when more fit than one answer can hold.
    pub async fn discover(&self, proof: &Proof<'_>, query: &DiscoveryQuery) -> Result<DiscoveredApis, Error> {
        let invoker = self.invoker(proof).await?;
        if query.api_invoker_id != invoker.id {
            return Err(Error::not_yours("api-invoker-id", "API invoker identifier"));
        }
        let now = self.room().now();
        let mut found = Vec::new();
        for api in self.catalogue().candidates(query) {
            if let Some(description) = fits(&api.description, query, now) {
                found.push(routing::behind_entry_points(description, &self.rules().hiding));
            }
            if found.len() > MAX_ITEMS {
                return Err(Error::invalid(
                    edgeapp_core::error::Cause::OptionalQueryParamIncorrect,
                    "api-name",
                    format!("more than {MAX_ITEMS} APIs fit: ask for less, by name, provider or exposing function"),
                ));
            }
        }
        Ok(DiscoveredApis {
            service_api_descriptions: prefer(found, query.preferred_aef_loc.as_ref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn api() -> ServiceApiDescription {
        serde_json::from_str(
            r#"{"apiName": "a", "apiId": "1", "apiSuppFeats": "5", "shareableInfo": {"isShareable": true},
                "serviceAPICategory": "edge", "apiProvName": "p", "aefProfiles": [
                {"aefId": "AEF1", "protocol": "HTTP_2", "dataFormat": "JSON", "domainName": "one.example",
                    "aefLocation": {"dcId": "dc-1"}, "serviceKpis": {"maxReqRate": 10, "avalMem": "1 GB", "maxRestime": 2},
                    "ueIpRange": {"ueIpv4AddrRanges": [{"start": "192.0.2.0", "end": "192.0.2.255"}]},
                    "versions": [{"apiVersion": "v1", "resources": [{"resourceName": "r", "commType": "REQUEST_RESPONSE",
                        "uri": "/r"}]}, {"apiVersion": "v0", "expiry": "2020-01-01T00:00:00Z"}]},
                {"aefId": "AEF2", "protocol": "HTTP_1_1", "domainName": "two.example", "versions": [{"apiVersion": "v2"}]}]}"#,
        )
        .expect("a description")
    }

    fn query(pairs: &[(&str, &str)]) -> DiscoveryQuery {
        let who = [("api-invoker-id", "INV1")];
        let pairs = who.into_iter().chain(pairs.iter().copied());
        DiscoveryQuery::parse(&edgeapp_openapi::query::Parameters::new(pairs)).expect("a query")
    }

    fn now() -> DateTime {
        "2026-01-01T00:00:00Z".parse().expect("an instant")
    }

    fn found(pairs: &[(&str, &str)]) -> Vec<String> {
        let found = fits(&api(), &query(pairs), now());
        found.map_or(Vec::new(), |api| {
            let profiles = api.aef_profiles.iter();
            profiles.map(|profile| profile.aef_id.to_string()).collect()
        })
    }

    #[test]
    fn each_filter_leaves_the_profiles_that_fit() {
        for (pairs, wanted) in [
            (&[][..], &["AEF1", "AEF2"][..]),
            (&[("api-name", "a")], &["AEF1", "AEF2"]),
            (&[("api-name", "b")], &[]),
            (&[("api-version", "v1")], &["AEF1"]),
            (&[("api-version", "v0")], &[]),
            (&[("comm-type", "REQUEST_RESPONSE")], &["AEF1"]),
            (&[("comm-type", "SUBSCRIBE_NOTIFY")], &[]),
            (&[("protocol", "HTTP_1_1")], &["AEF2"]),
            (&[("aef-id", "AEF2")], &["AEF2"]),
            (&[("data-format", "JSON")], &["AEF1"]),
            (&[("api-cat", "edge")], &["AEF1", "AEF2"]),
            (&[("api-cat", "other")], &[]),
            (&[("req-api-prov-name", "q")], &[]),
            (&[("api-name", "a"), ("api-supported-features", "4")], &["AEF1", "AEF2"]),
            (&[("api-name", "a"), ("api-supported-features", "2")], &[]),
            (&[("ue-ip-addr", r#"{"ipv4Addr": "192.0.2.7"}"#)], &["AEF1", "AEF2"]),
            (&[("ue-ip-addr", r#"{"ipv4Addr": "198.51.100.7"}"#)], &["AEF2"]),
            (
                &[(
                    "service-kpis",
                    r#"{"maxReqRate": 10, "avalMem": "900 MB", "maxRestime": 3}"#,
                )],
                &["AEF1"],
            ),
            (&[("service-kpis", r#"{"maxRestime": 1}"#)], &[]),
        ] {
            assert_eq!(found(pairs), wanted, "{pairs:?}");
        }
    }

    #[test]
    fn what_is_found_says_nothing_of_sharing_and_keeps_live_versions() {
        let found = fits(&api(), &query(&[("supported-features", "3")]), now()).expect("found");
        assert!(found.shareable_info.is_none() && found.api_id.is_some());
        assert_eq!(
            found.supported_features.map(|features| features.to_string()).as_deref(),
            Some("1")
        );
        assert_eq!(found.aef_profiles[0].versions.len(), 1);
    }

    #[test]
    fn an_api_is_found_where_it_is_active() {
        let mut api = api();
        api.api_status = serde_json::from_str(r#"{"aefIds": ["AEF2"]}"#).ok();
        assert_eq!(fits(&api, &query(&[]), now()).expect("found").aef_profiles.len(), 1);
        api.api_status = serde_json::from_str(r#"{"aefIds": []}"#).ok();
        assert_eq!(fits(&api, &query(&[]), now()), None);
    }

    #[test]
    fn a_preferred_place_counts_where_anything_is_there() {
        let at = |text: &str| serde_json::from_str::<AefLocation>(text).expect("a place");
        let there = prefer(vec![api()], Some(&at(r#"{"dcId": "dc-1"}"#)));
        assert_eq!(there[0].aef_profiles.len(), 1);
        assert_eq!(prefer(vec![api()], Some(&at(r#"{"dcId": "dc-9"}"#))), vec![api()]);
    }

    proptest! {
        /// A filter never adds anything.
        #[test]
        fn more_filters_find_less(name in prop::option::of("[ab]"), version in prop::option::of("v[012]"), aef in prop::option::of("AEF[123]")) {
            let mut pairs = Vec::new();
            pairs.extend(name.as_deref().map(|name| ("api-name", name)));
            pairs.extend(version.as_deref().map(|version| ("api-version", version)));
            let fewer = found(&pairs);
            pairs.extend(aef.as_deref().map(|aef| ("aef-id", aef)));
            let more = found(&pairs);
            prop_assert!(more.iter().all(|id| fewer.contains(id)));
        }
    }
}
