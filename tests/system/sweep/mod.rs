//! Bad input against every published operation, over real TLS. What is swept is read from the published documents: a new operation is
//! swept at once.

mod ambiguous;
mod bodies;
mod cross;
mod hoarding;
mod limits;
mod operator;
mod patches;
mod published;
mod sample;
mod strangers;
mod world;
