//! The APIs of an ECS in process: a router, a store in memory, a clock moved by hand, a notifier that remembers.

mod documents;
mod eas_info_management;
mod ees_registration;
mod lab;
mod notifications;
mod oauth;
mod partners;
mod service_provisioning;
mod target_ees_discovery;
mod work;
