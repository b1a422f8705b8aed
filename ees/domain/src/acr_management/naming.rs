//! About whom a report is: the UE as far as it is known, and the name under which an EAS hears of it.

use super::{orders::report, state::EventState};
use edgeapp_core::network::{Asked, Target};
use edgeapp_openapi::{
    acr_management_event::{
        AcrMgntEventReport, AcrMgntEventSubsc, IndUeIdentification, TargetUeIdentification, UpPathChangeInfo,
    },
    common::{DateTime, IpAddr},
    ids::Gpsi,
};

/// The UE whose path changes, as far as the watch or the report names it.
pub(super) fn ue_of(watch: &Asked, state: Option<&EventState>, change: &UpPathChangeInfo) -> Option<Gpsi> {
    if let Some(ue) = state.and_then(|state| state.ue.clone()) {
        return Some(ue);
    }
    if let Asked::Path(path) = watch
        && let Target::Ue(ue) = &path.target
    {
        return Some(ue.clone());
    }
    match &change.ue_id {
        IndUeIdentification::Gpsi(ue) => Some(ue.clone()),
        IndUeIdentification::ExternalId(external) => format!("extid-{external}").parse().ok(),
        IndUeIdentification::UeIpAddr(_) => None,
    }
}

/// The address by which the core network can be asked who a UE is.
pub(super) fn address_of(change: &UpPathChangeInfo) -> Option<IpAddr> {
    if let IndUeIdentification::UeIpAddr(address) = &change.ue_id {
        return Some(address.clone());
    }
    let four = change
        .tgt_ue_ipv4_addr
        .or(change.src_ue_ipv4_addr)
        .map(IpAddr::Ipv4Addr);
    let six = || {
        let prefix = change.tgt_ue_ipv6_prefix.clone().or(change.src_ue_ipv6_prefix.clone());
        prefix.map(IpAddr::Ipv6Prefix)
    };
    four.or_else(six)
}

/// The names of the UE in a report: as the subscriber named it, else as the core network did. A telephone number is told to nobody who
/// did not know it; who has no other name is not told of.
fn names(
    wanted: &AcrMgntEventSubsc,
    ue: Option<&Gpsi>,
    change: &UpPathChangeInfo,
) -> Option<(TargetUeIdentification, IndUeIdentification)> {
    let by_gpsi = |ue: &Gpsi| {
        (
            TargetUeIdentification::Gpsi(ue.clone()),
            IndUeIdentification::Gpsi(ue.clone()),
        )
    };
    let by_address = |address: IpAddr| {
        (
            TargetUeIdentification::UeIpAddr(address.clone()),
            IndUeIdentification::UeIpAddr(address),
        )
    };
    match &wanted.tgt_ue_id {
        Some(TargetUeIdentification::Gpsi(named)) => Some(by_gpsi(named)),
        Some(TargetUeIdentification::UeIpAddr(address)) => Some(by_address(address.clone())),
        Some(TargetUeIdentification::EdgeUeId(id)) => {
            let named = id.as_str().parse::<Gpsi>().ok()?;
            Some((
                TargetUeIdentification::EdgeUeId(id.clone()),
                IndUeIdentification::Gpsi(named),
            ))
        }
        None | Some(TargetUeIdentification::IntGrpId(_) | TargetUeIdentification::ExtGrpId(_)) => match ue {
            Some(ue) if !ue.as_str().starts_with("msisdn-") => Some(by_gpsi(ue)),
            _ => address_of(change).map(by_address),
        },
    }
}

/// The report of a change of path for one event; `None` when the UE has no name that may be told.
pub(super) fn path_report(
    wanted: &AcrMgntEventSubsc,
    ue: Option<&Gpsi>,
    change: &UpPathChangeInfo,
    at: DateTime,
) -> Option<AcrMgntEventReport> {
    let Some((ue_id, in_change)) = names(wanted, ue, change) else {
        tracing::info!("a UE that the core network names by its telephone number only is not told of");
        return None;
    };
    let change = UpPathChangeInfo {
        ue_id: in_change,
        ..change.clone()
    };
    Some(AcrMgntEventReport {
        up_path_chg_info: Some(change),
        ue_id: Some(ue_id),
        ..report(wanted.event.clone(), at)
    })
}
