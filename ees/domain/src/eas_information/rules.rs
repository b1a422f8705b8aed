//! What EAS information has to be like, whatever is known here: plain functions of the message.

use edgeapp_core::error::Error;
use edgeapp_openapi::eas_information_provisioning::{EasInfoProvReq, EasInfoProvReqType};

/// What an EEC wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// It tells which relocation scenarios it selected.
    ScenariosSelected,
    /// It asks for a selection of relocation scenarios.
    SelectScenarios,
    /// It tells which EASs it selected.
    EasSelected,
}

/// What is wanted. Clients of the time before there were several kinds tell which EAS they selected.
pub(super) fn wish(request: &EasInfoProvReq) -> Result<Wish, Error> {
    match &request.req_type {
        None | Some(EasInfoProvReqType::EasSelection) => Ok(Wish::EasSelected),
        Some(EasInfoProvReqType::AcrScenarioSelectionAnnouncement) => Ok(Wish::ScenariosSelected),
        Some(EasInfoProvReqType::AcrScenarioSelectionRequest) => Ok(Wish::SelectScenarios),
        Some(EasInfoProvReqType::Other(_)) => {
            let known: Vec<&str> = EasInfoProvReqType::KNOWN
                .iter()
                .map(EasInfoProvReqType::as_str)
                .collect();
            let reason = format!("is not served here; served are {}", known.join(", "));
            Err(Error::optional_incorrect("/reqType", reason))
        }
    }
}

/// How many EASs, and how many EESs, one message may name.
const MOST: usize = 16;

/// Members that have to fit together.
pub(super) fn consistent(request: &EasInfoProvReq, wish: Wish) -> Result<(), Error> {
    let selected = request.sel_eas_ids.len();
    if selected > MOST {
        return Err(Error::mandatory_incorrect(
            "/selEasIds",
            format!("names {selected} EASs; at most {MOST} are taken at a time"),
        ));
    }
    if request.ees_list.len() > MOST {
        let named = request.ees_list.len();
        return Err(Error::optional_incorrect(
            "/eesList",
            format!("names {named} EESs; at most {MOST} are taken at a time"),
        ));
    }
    for (n, eas_id) in request.sel_eas_ids.iter().enumerate() {
        if request.sel_eas_ids[..n].contains(eas_id) {
            return Err(Error::mandatory_incorrect(format!("/selEasIds/{n}"), "is there twice"));
        }
    }
    for (pointer, length) in [
        ("/selEasEndPoints", request.sel_eas_end_points.len()),
        ("/dnais", request.dnais.len()),
        ("/svcArea", request.svc_area.len()),
        ("/assEesEndPoints", request.ass_ees_end_points.len()),
    ] {
        if length != 0 && length != selected {
            let reason = format!("must have one element for each of selEasIds: {selected}, not {length}");
            return Err(Error::optional_incorrect(pointer, reason));
        }
    }
    if request
        .ac_prof
        .as_ref()
        .is_some_and(|profile| profile.ac_id != request.ac_id)
    {
        return Err(Error::optional_incorrect(
            "/acProf/acId",
            "must be the acId of the request",
        ));
    }
    if wish == Wish::ScenariosSelected && request.sel_acr_scenarios.is_empty() {
        return Err(Error::mandatory_missing(
            "/selAcrScenarios",
            "is needed to announce a selection of scenarios",
        ));
    }
    if wish == Wish::SelectScenarios && !request.sel_acr_scenarios.is_empty() {
        return Err(Error::optional_incorrect(
            "/selAcrScenarios",
            "contradicts ACR_SCENARIO_SELECTION_REQUEST: the EES is to select",
        ));
    }
    if wish != Wish::EasSelected || request.app_grp_id.is_none() {
        return Ok(());
    }
    if selected > 1 {
        return Err(Error::optional_incorrect(
            "/appGrpId",
            "names the group of one application, and selEasIds several",
        ));
    }
    if request.cas_info.is_some() {
        return Err(Error::optional_incorrect(
            "/casInfo",
            "and appGrpId exclude each other: a CAS is not the common EAS of a group",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fault(more: Value) -> String {
        let mut request = json!({"eecId": "eec-1", "acId": "ac.chess", "selEasIds": ["e", "f"]});
        for (name, value) in more.as_object().expect("members") {
            request[name] = value.clone();
        }
        let request: EasInfoProvReq = serde_json::from_value(request).expect("a request");
        let checked = wish(&request).and_then(|wish| consistent(&request, wish));
        checked
            .err()
            .map(|error| error.invalid[0].param.clone())
            .unwrap_or_default()
    }

    #[test]
    fn lists_that_describe_the_selected_eass_are_as_long() {
        let at = |host: &str| json!({"fqdn": host});
        for (member, element) in [
            ("selEasEndPoints", at("a.example")),
            ("dnais", json!("dnai-a")),
            ("svcArea", json!({})),
            ("assEesEndPoints", at("ees.example")),
        ] {
            for (length, expected) in [(1, format!("/{member}")), (2, String::new()), (3, format!("/{member}"))] {
                assert_eq!(
                    fault(json!({member: vec![element.clone(); length]})),
                    expected,
                    "{member} {length}"
                );
            }
        }
    }

    #[test]
    fn a_message_names_so_many_and_no_more() {
        let ees = |n: usize| json!({"eesId": format!("ees-{n}.example"), "eecRegConf": false});
        let many = |most: usize| (0..most).map(ees).collect::<Vec<_>>();
        assert_eq!(fault(json!({"eesList": many(MOST)})), "");
        assert_eq!(fault(json!({"eesList": many(MOST + 1)})), "/eesList");
        let ids = |most: usize| (0..most).map(|n| format!("eas-{n}")).collect::<Vec<_>>();
        assert_eq!(fault(json!({"selEasIds": ids(MOST)})), "");
        assert_eq!(fault(json!({"selEasIds": ids(MOST + 1)})), "/selEasIds");
    }

    #[test]
    fn members_that_contradict_the_wish_or_each_other_are_refused() {
        let (announcement, request) = ("ACR_SCENARIO_SELECTION_ANNOUNCEMENT", "ACR_SCENARIO_SELECTION_REQUEST");
        let (scenarios, cas) = (json!(["EEC_INITIATED"]), json!({"fqdn": "cas.example"}));
        assert_eq!(fault(json!({"reqType": announcement})), "/selAcrScenarios");
        assert_eq!(
            fault(json!({"reqType": announcement, "selAcrScenarios": scenarios})),
            ""
        );
        assert_eq!(
            fault(json!({"reqType": request, "selAcrScenarios": scenarios})),
            "/selAcrScenarios"
        );
        assert_eq!(fault(json!({"selAcrScenarios": scenarios})), "");
        assert_eq!(fault(json!({"appGrpId": "g"})), "/appGrpId");
        assert_eq!(
            fault(json!({"appGrpId": "g", "selEasIds": ["e"], "casInfo": cas})),
            "/casInfo"
        );
        // Beside a selection of scenarios they say nothing that could be done.
        assert_eq!(fault(json!({"reqType": request, "appGrpId": "g", "casInfo": cas})), "");
        assert_eq!(fault(json!({"acProf": {"acId": "ac.go"}})), "/acProf/acId");
        assert_eq!(fault(json!({"selEasIds": ["e", "e"]})), "/selEasIds/1");
        assert_eq!(fault(json!({"reqType": "GUESS"})), "/reqType");
        assert_eq!(fault(json!({"reqType": "EAS_SELECTION"})), "");
    }
}
