//! Traffic of a UE goes to where its T-EAS sits while it relocates, and its usual way when that is over, whatever happens to the EES
//! meanwhile. The core network is simulated.

use crate::support::{
    ACR_MANAGEMENT, CHESS, EAS_REGISTRATIONS, EEC_REGISTRATIONS, INITIATE, REPORT, act_start_stop, eas_registration,
    end_pt,
};
use edgeapp_core::principal::Role;
use edgeapp_system_tests::{
    caller::Caller,
    ear::Ear,
    lab::{Lab, Plan, ue_of},
    network::Network,
    process::Process,
    wait::until_it_is_so,
};
use serde_json::json;

const EEC: &str = "eec-mover";

struct Site {
    lab: Lab,
    network: Network,
    plan: Plan,
    ees: Process,
    eec: Caller,
    _ear: Ear,
}

impl Site {
    /// An EES with a core network and an S-EAS that is told to start.
    async fn open(settings: &str) -> Self {
        let lab = Lab::new();
        let network = Network::open(&lab, &[&ue_of(EEC)]).await;
        let plan = network.behind(lab.ees("a"), &lab).with(settings);
        let ees = plan.start().await;
        let id = format!("{CHESS}#one");
        let eas = lab.eas(&id, ees.root("edge3"));
        let registration = eas_registration(CHESS, "one", "ENABLED");
        eas.post(EAS_REGISTRATIONS, &registration).await.created();
        let ear = Ear::open(&lab, &lab.who(Role::Eas, &id)).await;
        let orders = act_start_stop(CHESS, &ear.uri("/act"));
        eas.post(ACR_MANAGEMENT, &orders).await.created();
        let eec = lab.eec(EEC, ees.root("edge1"));
        let registration = json!({"eecId": EEC, "ueId": ue_of(EEC)});
        eec.post(EEC_REGISTRATIONS, &registration).await.created();
        Self {
            lab,
            network,
            plan,
            ees,
            eec,
            _ear: ear,
        }
    }

    /// The EEC asks for a relocation to where this place is nearest.
    async fn relocate(&self, dnai: &str) {
        let initiation = json!({"requestorId": EEC, "easNotifInd": true, "easId": CHESS, "sEasEndpoint": end_pt("one"),
            "tEasEndpoint": end_pt("two"), "routeReq": {"dnai": dnai, "routeInfo": null, "routeProfId": "internet"}});
        self.eec.post(INITIATE, &initiation).await.done();
    }

    async fn report(&self, result: &str) {
        let mut result = json!({"actResult": result, "ueId": ue_of(EEC), "easEndPoint": end_pt("two")});
        if result["actResult"] == "FAILED" {
            result["actFailureCause"] = json!("OTHER");
        }
        let eas = self.lab.eas(&format!("{CHESS}#one"), self.ees.root("edge3"));
        let report = json!({"easId": CHESS, "actResultInfo": result});
        eas.post(REPORT, &report).await.done();
    }

    async fn is_steered_to(&self, dnai: &str) {
        until_it_is_so("traffic is steered to the target", async || {
            self.network.runs() == 1 && self.network.places_of(&ue_of(EEC)) == [dnai]
        })
        .await;
    }

    async fn runs_free(&self) {
        until_it_is_so("nothing runs at the network", async || self.network.runs() == 0).await;
    }
}

/// TS 23.558 clause 8.8.3.4: the S-EES asks the core network for it, and takes it back when the relocation is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lasts_as_long_as_the_relocation() {
    let site = Site::open("").await;
    site.relocate("dnai-b").await;
    site.is_steered_to("dnai-b").await;
    site.report("SUCCESSFUL").await;
    site.runs_free().await;
}

/// A failure ends it too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_with_a_failure() {
    let site = Site::open("").await;
    site.relocate("dnai-b").await;
    site.is_steered_to("dnai-b").await;
    site.report("FAILED").await;
    site.runs_free().await;
}

/// An EES that is killed in the middle steers once, and takes it back when its EAS reports.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn survives_a_kill_and_ends_with_the_report() {
    let mut site = Site::open("").await;
    for _ in 0..3 {
        site.relocate("dnai-b").await;
        site.ees.kill().await;
        site.ees = site.plan.start().await;
        site.eec = site.eec.at(site.ees.root("edge1"));
        site.is_steered_to("dnai-b").await;
        site.report("FAILED").await;
        site.runs_free().await;
    }
}

/// And when nobody ever reports, because its time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_not_leaked_by_a_kill_when_nobody_reports() {
    let mut site = Site::open("[relocation]\ntransfer_seconds = 2\n").await;
    site.relocate("dnai-b").await;
    site.is_steered_to("dnai-b").await;
    site.ees.kill().await;
    assert_eq!(site.network.runs(), 1);
    site.ees = site.plan.start().await;
    site.runs_free().await;
}
