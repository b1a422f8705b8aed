//! A UE that moves from the site of `ees-a` to that of `ees-b` (TS 23.558 clauses 8.8 and 8.9): EEC, S-EAS and T-EAS are the test's.

use crate::{
    network::{eec_at, until_provisioned},
    support::{
        ACR_EVENTS, ACR_MANAGEMENT, CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, INITIATE, REPORT, acr_events,
        act_start_stop, discover, eas_registration, end_pt, nothing_waits,
    },
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::{Answer, Caller},
    ear::{Ear, Heard, nobody_there},
    lab::{Lab, Plan, ue_of},
    process::Process,
};
use serde_json::{Value, json};

const EEC: &str = "eec-mover";
const DETERMINE: &str = "/eees-appctxtreloc/v1/determine";

/// Two EESs with an instance of the application each, `one` at the first and `two` at the second.
struct Sites {
    lab: Lab,
    plan: Plan,
    a: Process,
    b: Process,
    /// The S-EAS.
    eas: Caller,
}

impl Sites {
    /// With these keys in the configuration of `ees-a`, and profiles of the EASs changed like this.
    async fn open(settings: &str) -> Self {
        let lab = Lab::new();
        let (a, b) = (lab.ees("a").with(settings), lab.ees("b"));
        Self::of(lab, a, b, [json!({}), json!({})]).await
    }

    async fn of(lab: Lab, plan: Plan, plan_b: Plan, profiles: [Value; 2]) -> Self {
        let (a, b) = (plan.start().await, plan_b.start().await);
        let mut registrants = Vec::new();
        for ((name, ees), more) in [("one", &a), ("two", &b)].into_iter().zip(profiles) {
            let eas = lab.eas(&format!("{CHESS}#{name}"), ees.root("edge3"));
            let mut registration = eas_registration(CHESS, name, "ENABLED");
            for (member, value) in more.as_object().into_iter().flatten() {
                registration["easProf"][member] = value.clone();
            }
            eas.post(EAS_REGISTRATIONS, &registration).await.created();
            registrants.push(eas);
        }
        let eas = registrants.swap_remove(0);
        Self { lab, plan, a, b, eas }
    }

    /// An ear of the S-EAS that is told to start and stop transfers.
    async fn eas_ear(&self) -> Ear {
        let ear = Ear::open(&self.lab, &self.lab.who(Role::Eas, &format!("{CHESS}#one"))).await;
        self.eas
            .post(ACR_MANAGEMENT, &act_start_stop(CHESS, &ear.uri("/act")))
            .await
            .created();
        ear
    }

    /// The S-EAS reports to this EES how the transfer for the UE of this EEC went.
    async fn report(&self, ees: &Process, eec_id: &str, result: &str) -> Answer {
        let result = json!({"actResult": result, "ueId": ue_of(eec_id), "easEndPoint": end_pt("two")});
        self.eas
            .at(ees.root("edge3"))
            .post(REPORT, &json!({"easId": CHESS, "actResultInfo": result}))
            .await
    }

    async fn mover(&self, id: &'static str) -> Mover {
        let eec = self.lab.eec(id, self.a.root("edge1"));
        let registration = eec.post(EEC_REGISTRATIONS, &registration(id)).await;
        registration.created();
        let context = registration.body["eecCntxId"].as_str().expect("a context").to_owned();
        let ear = Ear::open(&self.lab, &self.lab.who(Role::Eec, id)).await;
        eec.post(ACR_EVENTS, &acr_events(id, "ACR_COMPLETE", &ear.uri("/complete")))
            .await
            .created();
        Mover { id, eec, context, ear }
    }

    fn root_of_b(&self) -> &str {
        self.b.root("edge1")
    }
}

/// An EEC that is registered at `ees-a` and wants to hear when its relocation is over.
struct Mover {
    id: &'static str,
    eec: Caller,
    context: String,
    ear: Ear,
}

impl Mover {
    /// What the EEC asks for in scenario B: the S-EAS is told to transfer, the S-EES brings the context to the T-EES.
    fn initiation(&self, sites: &Sites) -> Value {
        json!({"requestorId": self.id, "easNotifInd": true, "sEasEndpoint": end_pt("one"), "tEasEndpoint": end_pt("two"),
            "eecCtxtReloc": {"eecCtxtId": self.context, "tEesId": "ees-b.example", "tEecEndpoint": {"uri": sites.root_of_b()}}})
    }

    /// Waits for the news that the relocation is over.
    async fn complete(&self) -> Value {
        let complete = |heard: &[Heard]| heard.iter().find(|heard| heard.target == "/complete").cloned();
        let heard = self.ear.hears("ACR_COMPLETE", complete).await;
        assert_eq!(
            (&heard.body["eventId"], &heard.body["easId"]),
            (&json!("ACR_COMPLETE"), &json!(CHESS))
        );
        heard.body
    }

    /// The registration at the T-EES that the news names can be used by the EEC, and has its context.
    async fn uses_its_new_registration(&self, sites: &Sites, news: &Value) {
        let id = news["eecCtxtReloc"]["implReg"]["regId"]
            .as_str()
            .unwrap_or_else(|| panic!("no registration: {news}"));
        let there = self.eec.at(sites.root_of_b());
        let answer = there
            .put(&format!("{EEC_REGISTRATIONS}/{id}"), &registration(self.id))
            .await;
        assert_eq!(answer.found()["eecCntxId"], self.context.as_str());
        assert_eq!(discover(&there, self.id, CHESS).await[0]["endPt"], end_pt("two"));
    }
}

fn registration(eec_id: &str) -> Value {
    json!({"eecId": eec_id, "ueId": ue_of(eec_id), "acProfs": [{"acId": "ac.chess", "eass": [{"easId": CHESS}]}]})
}

/// The orders to an EAS: what to do, and with whom.
fn orders(heard: &[Heard]) -> Vec<(Value, Value)> {
    let reports = heard.iter().map(|heard| &heard.body["eventReports"][0]);
    reports
        .map(|report| (report["actStatus"].clone(), report["easEndPoint"].clone()))
        .collect()
}

fn start() -> (Value, Value) {
    (json!("ACT_START"), end_pt("two"))
}

mod context_pull {
    use super::*;

    /// A registration that takes up a context left at another EES.
    fn with_context(eec_id: &str, context: &str, source: &str) -> Value {
        let mut with = registration(eec_id);
        with["eecCntxId"] = json!(context);
        with["srcEesId"] = json!("ees-a.example");
        with["endPt"] = json!({"uri": source});
        with
    }

    /// The EEC takes its context along: same id at the new EES (TS 23.558 clause 8.9.2.3).
    #[tokio::test]
    async fn a_known_context_comes_along() {
        let sites = Sites::open("").await;
        let mover = sites.mover(EEC).await;
        let there = mover.eec.at(sites.root_of_b());
        let answer = there
            .post(
                EEC_REGISTRATIONS,
                &with_context(EEC, &mover.context, sites.a.root("edge1")),
            )
            .await;
        answer.created();
        assert_eq!(answer.body["eecCntxId"], mover.context.as_str());
    }

    /// A context that the source does not have is no reason to refuse the EEC: it begins with a new one.
    #[tokio::test]
    async fn an_unknown_context_is_replaced_by_a_new_one() {
        let sites = Sites::open("").await;
        let there = sites.lab.eec(EEC, sites.root_of_b());
        let unknown = "0123456789abcdef0123456789abcdef";
        let answer = there
            .post(EEC_REGISTRATIONS, &with_context(EEC, unknown, sites.a.root("edge1")))
            .await;
        answer.created();
        let context = answer.body["eecCntxId"].as_str().unwrap_or_default();
        assert!(!context.is_empty() && context != unknown, "{}", answer.body);
    }

    /// Neither is a source that does not answer.
    #[tokio::test]
    async fn a_source_that_is_gone_is_no_obstacle() {
        let sites = Sites::open("").await;
        let mover = sites.mover(EEC).await;
        let (there, source) = (mover.eec.at(sites.root_of_b()), sites.a.root("edge1").to_owned());
        sites.a.kill().await;
        let answer = there
            .post(EEC_REGISTRATIONS, &with_context(EEC, &mover.context, &source))
            .await;
        answer.created();
        assert_ne!(answer.body["eecCntxId"], mover.context.as_str());
    }

    /// Who knows the id of another EEC's context does not get it.
    #[tokio::test]
    async fn the_context_of_another_eec_stays_where_it_is() {
        let sites = Sites::open("").await;
        let mover = sites.mover(EEC).await;
        let thief = sites.lab.eec("eec-thief", sites.root_of_b());
        let stolen = with_context("eec-thief", &mover.context, sites.a.root("edge1"));
        let refusal = thief.post(EEC_REGISTRATIONS, &stolen).await;
        refusal.refused(403, "OWNER_MISMATCH");
        assert_eq!(refusal.at_fault(), ["/eecCntxId"]);
    }
}

mod executed_via_the_source_ees {
    use super::*;

    /// Scenario B: order to the S-EAS, its report, the context at the T-EES, and news that tell the EEC all of it, once.
    #[tokio::test]
    async fn ends_with_a_registration_at_the_target() {
        let sites = Sites::open("").await;
        let (mover, eas) = (sites.mover(EEC).await, sites.eas_ear().await);
        mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
        assert_eq!(orders(&eas.hears_many(1).await), [start()]);
        // The same again, as after a lost answer, changes nothing.
        mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
        sites.report(&sites.a, EEC, "SUCCESSFUL").await.done();
        let news = mover.complete().await;
        assert_eq!(
            news["acrStatus"],
            json!({"acrRes": true, "tEasEndpoint": end_pt("two")})
        );
        mover.uses_its_new_registration(&sites, &news).await;
        nothing_waits(&sites.lab, Role::Ees, &sites.a).await;
        assert_eq!((mover.ear.heard().len(), eas.heard().len()), (1, 1));
    }

    /// An EAS that reports failure: the EEC is told with the cause.
    #[tokio::test]
    async fn a_reported_failure_is_told() {
        let sites = Sites::open("").await;
        let (mover, eas) = (sites.mover(EEC).await, sites.eas_ear().await);
        mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
        eas.hears_many(1).await;
        sites.report(&sites.a, EEC, "FAILED").await.done();
        let status = mover.complete().await["acrStatus"].clone();
        assert_eq!(
            (&status["acrRes"], &status["tEasEndpoint"]),
            (&json!(false), &end_pt("two"))
        );
        assert!(
            status["failReason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{status}"
        );
        sites
            .report(&sites.a, EEC, "SUCCESSFUL")
            .await
            .refused(403, "ACR_RESULT_CONFLICT");
    }

    /// An EAS that nobody can reach: the relocation fails when its time is over, and the EEC hears it.
    #[tokio::test]
    async fn a_dead_eas_makes_it_fail_in_time() {
        let sites = Sites::open("[relocation]\ntransfer_seconds = 1\n").await;
        let mover = sites.mover(EEC).await;
        let nobody = format!("https://{}/act", nobody_there().await);
        sites
            .eas
            .post(ACR_MANAGEMENT, &act_start_stop(CHESS, &nobody))
            .await
            .created();
        mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
        let status = mover.complete().await["acrStatus"].clone();
        assert_eq!(status["acrRes"], json!(false), "{status}");
        assert!(
            status["failReason"].as_str().is_some_and(|reason| !reason.is_empty()),
            "{status}"
        );
    }

    /// A T-EES that cannot be reached: the EEC hears that the application has moved, and sees to its registration itself.
    #[tokio::test]
    async fn an_unreachable_target_ees_costs_the_registration_only() {
        let sites = Sites::open("").await;
        let (mover, eas) = (sites.mover(EEC).await, sites.eas_ear().await);
        let mut initiation = mover.initiation(&sites);
        initiation["eecCtxtReloc"]["tEecEndpoint"]["uri"] = json!(format!("https://{}", nobody_there().await));
        mover.eec.post(INITIATE, &initiation).await.done();
        eas.hears_many(1).await;
        sites.report(&sites.a, EEC, "SUCCESSFUL").await.done();
        let news = mover.complete().await;
        assert_eq!(
            (&news["acrStatus"]["acrRes"], &news["eecCtxtReloc"]),
            (&json!(true), &Value::Null),
            "{news}"
        );
    }
}

mod determined {
    use super::*;

    fn tai(tac: &str) -> Value {
        json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": tac})
    }

    fn served_in(tac: &str) -> Value {
        json!({"svcArea": {"topServAr": {"tais": [tai(tac)]}}})
    }

    fn question(tac: &str) -> Value {
        json!({"requestorId": EEC, "sEasEndpoint": end_pt("one"),
            "expectedLocArea": {"svcArea": {"nwAreaInfo": {"tais": [tai(tac)]}}}})
    }

    /// The EES finds that the UE leaves the area of its EAS, asks the ECS for the EES there and that one for an EAS, and executes.
    #[tokio::test]
    async fn a_target_is_found_and_the_relocation_executed() {
        let lab = Lab::new();
        let ecs = lab.ecs().start().await;
        let plans = ["a", "b"].map(|letter| lab.ees(letter).at_ecs(ecs.root("edge6")));
        let eec_of_ecs = eec_at(&lab, &ecs, EEC);
        let [plan_a, plan_b] = plans;
        let sites = Sites::of(lab, plan_a, plan_b, ["000001", "000002"].map(served_in)).await;
        until_provisioned(&eec_of_ecs, EEC, &["ees-a.example", "ees-b.example"]).await;
        let serves = async || {
            let told = crate::network::provisioned(&eec_of_ecs, EEC).await;
            told.iter().all(|ees| ees["easIds"] == json!([CHESS]))
        };
        edgeapp_system_tests::wait::until_it_is_so("the ECS knows the application at both EESs", serves).await;
        let (mover, eas) = (sites.mover(EEC).await, sites.eas_ear().await);
        let wish = acr_events(EEC, "TARGET_INFORMATION", &mover.ear.uri("/target"));
        mover.eec.post(ACR_EVENTS, &wish).await.created();

        // Where its EAS serves it, nothing has to be done.
        mover.eec.post(DETERMINE, &question("000001")).await.done();
        mover.eec.post(DETERMINE, &question("000002")).await.done();
        let target = |heard: &[Heard]| heard.iter().find(|heard| heard.target == "/target").cloned();
        let target = mover.ear.hears("TARGET_INFORMATION", target).await.body;
        assert_eq!(target["eventId"], json!("TARGET_INFORMATION"));
        assert_eq!(
            target["trgtInfo"]["trgetEASInfo"]["eas"]["endPt"],
            end_pt("two"),
            "{target}"
        );
        assert_eq!(
            target["trgtInfo"]["trgetEESInfo"]["eess"][0]["eesId"],
            json!("ees-b.example"),
            "{target}"
        );
        assert_eq!(orders(&eas.hears_many(1).await), [start()]);

        sites.report(&sites.a, EEC, "SUCCESSFUL").await.done();
        let news = mover.complete().await;
        assert_eq!(news["acrStatus"]["acrRes"], json!(true));
        mover.uses_its_new_registration(&sites, &news).await;
        nothing_waits(&sites.lab, Role::Ees, &sites.a).await;
        assert_eq!((mover.ear.heard().len(), eas.heard().len()), (2, 1));
    }
}

mod killed_after_the_answer {
    use super::*;

    /// A relocation that was accepted goes on after the S-EES was killed and started again.
    #[tokio::test]
    async fn goes_on_where_it_was() {
        let mut sites = Sites::open("").await;
        let eas = sites.eas_ear().await;
        for id in ["eec-first", "eec-second", "eec-third"] {
            let mover = sites.mover(id).await;
            let about = |heard: &Heard| heard.body["eventReports"][0]["ueId"]["gpsi"] == ue_of(id);
            mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
            sites.a.kill().await;
            sites.a = sites.plan.start().await;
            let started = |heard: &[Heard]| heard.iter().find(|heard| about(heard)).cloned();
            let order = eas.hears(&format!("the order for {id}"), started).await;
            assert_eq!(orders(&[order]), [start()]);
            sites.report(&sites.a, id, "SUCCESSFUL").await.done();
            let news = mover.complete().await;
            assert_eq!(
                news["acrStatus"],
                json!({"acrRes": true, "tEasEndpoint": end_pt("two")})
            );
            mover.uses_its_new_registration(&sites, &news).await;
            nothing_waits(&sites.lab, Role::Ees, &sites.a).await;
            assert_eq!(mover.ear.heard().len(), 1);
        }
    }

    /// And one that nobody completes fails after the restart: the EEC is told, and may try again.
    #[tokio::test]
    async fn fails_in_time_when_nobody_reports() {
        let mut sites = Sites::open("[relocation]\ntransfer_seconds = 1\n").await;
        let (mover, eas) = (sites.mover(EEC).await, sites.eas_ear().await);
        mover.eec.post(INITIATE, &mover.initiation(&sites)).await.done();
        sites.a.kill().await;
        sites.a = sites.plan.start().await;
        assert_eq!(mover.complete().await["acrStatus"]["acrRes"], json!(false));
        let told = eas.heard().len();
        mover
            .eec
            .at(sites.a.root("edge1"))
            .post(INITIATE, &mover.initiation(&sites))
            .await
            .done();
        let again = |heard: &[Heard]| orders(&heard[told..]).contains(&start()).then_some(());
        eas.hears("the order of the second attempt", again).await;
        sites.report(&sites.a, EEC, "SUCCESSFUL").await.done();
        let good = |heard: &[Heard]| {
            heard
                .iter()
                .find(|heard| heard.body["acrStatus"]["acrRes"] == true)
                .cloned()
        };
        mover.ear.hears("ACR_COMPLETE of the second attempt", good).await;
    }
}
