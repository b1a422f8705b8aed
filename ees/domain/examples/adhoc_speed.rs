use edgeapp_core::{follow::View, kept::Kept, principal::Principal, store::{Change, Entry, Key, Revision}};
use edgeapp_ees_domain::selection::{EasIndex, Selection, answer, select};
use edgeapp_openapi::{common::DateTime, eas_registration::EasRegistration};
use std::time::Instant;
fn rss() -> u64 { std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4 }
fn main() {
    let now: DateTime = "2026-01-05T12:00:00Z".parse().unwrap();
    let owner = Principal::from_names(["urn:edgeapp:eas:x%231"], []).unwrap();
    let entry = |n: usize| {
        let id = if n % 100 == 0 { "eas.popular".to_owned() } else { format!("eas.{n}.example") };
        let json = serde_json::json!({"easProf": {"easId": id, "endPt": {"uri": format!("https://h{n}.edge-a.example:8443/app")}, "acIds": [format!("ac.{n}")], "provId": format!("p{}", n % 50),
            "type": "V2X", "easFeats": ["a", "b"], "permLvl": ["GOLD"], "svcContSupp": ["EEC_INITIATED", "SOURCE_EAS_DECIDED"], "svcKpi": {"maxReqRate": 100, "maxRespTime": 20, "avail": 99, "connBand": "100 Mbps"},
            "svcArea": {"topServAr": {"tais": [{"plmnId": {"mcc": "001", "mnc": "01"}, "tac": format!("{:06x}", n % 1000)}]}}}});
        let reg: EasRegistration = serde_json::from_value(json).unwrap();
        Entry { key: Key::from(format!("eas/{n}")), value: Kept::new(&owner, None, reg).to_bytes().unwrap(), revision: Revision(1) }
    };
    let entries: Vec<_> = (0..100_000).map(entry).collect();
    let before = rss();
    let index = EasIndex::new(None);
    let t = Instant::now();
    index.reset(entries);
    println!("reset 100k {:?}, rss +{} MB (entries' bytes freed)", t.elapsed(), (rss() - before) / 1024);
    let t = Instant::now();
    for n in 0..1000 { index.apply(vec![Change::Put(entry(n * 7 + 100_000))]); }
    println!("1000 single puts {:?}", t.elapsed());
    let t = Instant::now();
    for n in 0..1000 { index.apply(vec![Change::Put(entry(n * 7))]); }
    println!("1000 single updates {:?}", t.elapsed());
    let known = index.snapshot();
    let run = |name: &str, json: serde_json::Value, times: u32| {
        let req = serde_json::to_vec(&json).unwrap();
        let t = Instant::now();
        let mut n = 0; let mut bytes = 0;
        for _ in 0..times { let wanted = Selection::of_request(serde_json::from_slice(&req).unwrap()); let found = select(&wanted, &known, now); n = found.len(); bytes = answer(&found).len(); }
        println!("{name}: {:?} each, {n} found, {bytes} bytes", t.elapsed() / times);
    };
    let tai = serde_json::json!({"plmnId": {"mcc": "001", "mnc": "01"}, "tac": "000005"});
    run("easId", serde_json::json!({"requestorId": {"eecId": "e"}, "easDiscoveryFilter": {"easChars": [{"easId": "eas.77.example"}]}}), 10000);
    run("easId+ac", serde_json::json!({"requestorId": {"eecId": "e"}, "easDiscoveryFilter": {"easChars": [{"easId": "eas.77.example"}], "acChars": [{"acProf": {"acId": "ac.77"}}]}}), 10000);
    run("popular 1000", serde_json::json!({"requestorId": {"eecId": "e"}, "easDiscoveryFilter": {"easChars": [{"easId": "eas.popular"}]}}), 100);
    run("provider at tai", serde_json::json!({"requestorId": {"eecId": "e"}, "easDiscoveryFilter": {"easChars": [{"easProvId": "p5", "svcFeats": ["a"]}]}, "locInf": {"userLocation": {"nrLocation": {"tai": tai, "ncgi": {"plmnId": {"mcc": "001", "mnc": "01"}, "nrCellId": "000000001"}}}}}), 100);
}
