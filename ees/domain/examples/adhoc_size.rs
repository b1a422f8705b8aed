use std::mem::size_of;
fn rss() -> u64 { std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4 }
fn main() {
    println!("profile {} discovered {} entry {}", size_of::<edgeapp_openapi::eas_registration::EasProfile>(), size_of::<edgeapp_openapi::eas_discovery::DiscoveredEas>(), size_of::<edgeapp_ees_domain::selection::Entry>());
    let b = rss();
    let mut m: imbl::HashMap<std::sync::Arc<str>, std::sync::Arc<roaring::RoaringBitmap>> = imbl::HashMap::new();
    for n in 0..200_000u32 { m.insert(format!("eas.{n}.example").into(), std::sync::Arc::new([n].into_iter().collect())); }
    println!("200k postings {} MB", (rss() - b) / 1024);
    let b = rss();
    let mut m2: imbl::HashMap<std::sync::Arc<str>, u32> = imbl::HashMap::new();
    for n in 0..200_000u32 { m2.insert(format!("eas.{n}.example").into(), n); }
    println!("200k u32 {} MB", (rss() - b) / 1024);
    let b = rss();
    let mut m3: std::collections::HashMap<std::sync::Arc<str>, u32> = Default::default();
    for n in 0..200_000u32 { m3.insert(format!("eas.{n}.example").into(), n); }
    println!("200k std u32 {} MB", (rss() - b) / 1024);
    let b = rss();
    let mut m4: imbl::OrdMap<std::sync::Arc<str>, u32> = Default::default();
    for n in 0..200_000u32 { m4.insert(format!("eas.{n}.example").into(), n); }
    println!("200k ord u32 {} MB", (rss() - b) / 1024);
    drop((m,m2,m3,m4));
}
