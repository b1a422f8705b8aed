//! Bad input against every published operation, over real TLS. What is swept is read from the published documents: a new operation is
//! swept at once.

mod bodies;
mod limits;
mod published;
mod sample;
mod strangers;
mod world;
