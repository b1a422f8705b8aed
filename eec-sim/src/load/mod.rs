//! Many UEs at once: a fleet registers, moves between edge sites, is judged on the whole and leaves.
//!
//! Every UE is an identity of its own, with a certificate made in memory, and has connections only while it talks. So memory grows with
//! the UEs by what their EECs have to know, and connections with those that are on their way.
//!
//! | module | what it holds |
//! |---|---|
//! | [`wish`] | what is to be played |
//! | [`ground`] | servers, sites and application servers |
//! | `eec`, [`crossing`] | one UE: what its EEC asks of whom, and how an application follows it |
//! | [`fleet`] | all of them, and the time table |
//! | [`verdict`] | what had to hold |
//! | [`cost`] | CPU time and memory of the servers and of the simulator itself |
//! | [`show`], [`report`] | for people and machines, live and afterwards |

pub mod cost;
pub mod crossing;
mod eec;
pub mod fleet;
pub mod ground;
pub mod report;
pub mod show;
pub mod verdict;
pub mod wish;

pub use fleet::{Played, play};
pub use ground::{Ground, NoGround};
pub use wish::{Way, Wish};
