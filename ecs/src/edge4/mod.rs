//! EDGE-4: what an ECS does for EECs (TS 24.558).

pub mod service_provisioning;
