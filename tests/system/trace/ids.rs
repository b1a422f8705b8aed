//! What security asks for, in our own short words, and what is still open.

/// How much of it is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Has to be there.
    Core,
    /// Comes later; what is there is shown.
    Later,
    /// Cannot be done by this software alone.
    Outside,
}
use Mark::{Core, Later, Outside};

/// A demand: its number, whether it is ours, what it asks.
pub(super) type Demand = (u8, Mark, &'static str);

/// Demands of ETSI White Paper 46 that software can meet.
pub(super) const WP: &[Demand] = &[
    (1, Core, "HTTP only inside TLS, on every listener"),
    (2, Core, "TLS 1.2 and 1.3, nothing older, and no setting that allows it"),
    (3, Core, "TLS 1.3 wherever the other side has it"),
    (
        4,
        Core,
        "Encryption, integrity and no replay between all parties: AEAD suites, no early data",
    ),
    (5, Core, "Both ends prove who they are before anything is said"),
    (
        6,
        Core,
        "Certificates for EECs; keys of the UE's network are refused with the reason while they cannot be used",
    ),
    (
        7,
        Core,
        "The core network is called over TLS of the same kind, with a token where it wants one",
    ),
    (8, Outside, "IPsec may come on top; it takes the place of nothing"),
    (9, Later, "Who may do what does not depend on HTTP"),
    (10, Later, "Names of permissions that do not depend on paths"),
    (11, Core, "Where a request comes from opens nothing"),
    (12, Core, "Access by OAuth 2.0 tokens where an EES asks for them"),
    (
        13,
        Core,
        "One grant, client credentials; a token travels in one place, the header",
    ),
    (
        14,
        Core,
        "Clients prove themselves to the issuer of tokens by their certificates",
    ),
    (15, Core, "The issuer knows its clients and what each may have"),
    (16, Core, "Tokens are signed and verified without asking the issuer"),
    (17, Core, "Tokens stand in no log and no error"),
    (18, Core, "A token opens what its scope names, and nothing else"),
    (19, Core, "Which scopes there are can be looked up"),
    (20, Core, "Rates that clients do not choose themselves"),
    (21, Core, "Tokens end, soon"),
    (
        22,
        Core,
        "Tokens can be taken back before their end, everywhere, also over a restart",
    ),
    (
        23,
        Core,
        "Without tokens a local policy decides; what it does not allow is refused",
    ),
    (
        24,
        Core,
        "An ECS takes registrations of the EESs that it was told to expect",
    ),
    (25, Core, "The ECS knows which EES wants tokens"),
    (26, Later, "APIs of the EES through the CAPIF core function"),
    (
        27,
        Core,
        "Each instance of an application is known, and sees its own things alone",
    ),
    (
        28,
        Core,
        "What nobody allowed is not there: no route without an operation, no operation without a permit",
    ),
    (
        29,
        Core,
        "Users and devices appear in logs and metrics under pseudonyms",
    ),
    (
        30,
        Core,
        "Nothing of a UE without its user's consent; a withdrawal ends what runs",
    ),
    (31, Later, "Several issuers of tokens, each within its bounds"),
    (32, Core, "Security events have names and are recorded"),
    (33, Core, "Records reach a central place whole, over TLS"),
    (34, Core, "Records are read by the privileged alone"),
    (
        35,
        Core,
        "A third party can tell that records were changed, left out or reordered",
    ),
    (36, Core, "What operators do is recorded with who did it"),
    (37, Core, "Live figures for operators, and for nobody else"),
    (38, Later, "Who tries doors that are not its own is noticed"),
    (39, Core, "Safe when nothing is set, and a check against that"),
    (
        40,
        Core,
        "One listener per kind of caller; nothing is served that is not meant to be",
    ),
    (
        41,
        Core,
        "Floods are met by limits, and those who were served before still are",
    ),
    (42, Core, "Nobody hoards registrations and subscriptions"),
    (
        43,
        Core,
        "Certificates, roots and revocation lists are renewed while the server runs; a bad file changes nothing",
    ),
    (44, Later, "Keys in hardware"),
    (45, Core, "Keys and secrets are shown to nobody: files, memory, errors"),
    (46, Core, "State at rest can be read by nobody who only has the file"),
    (
        47,
        Core,
        "A crash, a backup and a restart lose nothing and revive nothing",
    ),
    (48, Core, "Each server works on while another is away"),
    (49, Core, "No key or password is shipped; without one nothing starts"),
    (50, Core, "What comes in is checked before it is used"),
    (51, Core, "What is kept of a user can be erased"),
    (52, Core, "Answers do not say which version answers"),
    (53, Core, "What the software is made of is listed, checked and pinned"),
    (54, Core, "There is a way to report a weakness"),
    (55, Later, "Images of applications by digest"),
    (56, Core, "Profiles for running with few rights"),
    (57, Core, "One tenant's load is not another's"),
    (58, Core, "Security is tested with every change"),
    (59, Core, "Time goes on steadily, whatever the machine's clock does"),
    (
        60,
        Core,
        "A defect ends one request, tells nothing, and nothing else breaks",
    ),
    (61, Later, "Partners are known, and each speaks for itself"),
    (62, Later, "Other operators come through a door of their own"),
    (63, Later, "Records of use that can be trusted"),
    (
        64,
        Core,
        "Location and identity are told as far as needed, under a name of their own for each application",
    ),
    (65, Later, "Room for lawful interception that nobody notices"),
    (66, Core, "Each demand leads to its tests"),
    (67, Core, "Key exchange that withstands quantum computers"),
    (68, Outside, "Attested environments"),
    (69, Outside, "Physical protection"),
    (70, Core, "Discovery by DNS over TLS"),
    (71, Outside, "Proxies that look into TLS are not trusted"),
];

/// Threats.
pub(super) const T: &[Demand] = &[
    (1, Core, "A token that was stolen, on the thief's certificate"),
    (2, Core, "A token without a signature"),
    (
        3,
        Core,
        "A token signed by another kind of algorithm than its key is for",
    ),
    (
        4,
        Core,
        "A name of a key that leads to a file, a query or another server",
    ),
    (5, Core, "A token whose times are over, to come, or no times"),
    (6, Core, "A token for another EES"),
    (7, Core, "A scope that is wider than granted, or of another API"),
    (8, Core, "Objects of others, by path, by list, by the name of their UE"),
    (9, Core, "The identity of another in a body"),
    (
        10,
        Core,
        "The place of another application server: its name, its endpoint",
    ),
    (11, Core, "A callback that leads into the operator's network"),
    (12, Core, "Callbacks as a flood at somebody else"),
    (13, Core, "Slow handshakes, slow requests, idle connections"),
    (14, Core, "Streams that are opened and reset"),
    (15, Core, "Floods of frames, of headers, of settings"),
    (16, Core, "Bodies that are too large, or not as long as said"),
    (17, Core, "JSON that is deep, long or repetitive"),
    (18, Core, "Merge patches that change who, or break what"),
    (19, Core, "Headers that split, requests with two ends, two hosts"),
    (20, Core, "A connection that is talked down to weaker TLS"),
    (21, Core, "Certificates of the wrong issuer, time, use or role"),
    (22, Core, "A certificate that ends or is revoked while it is in use"),
    (23, Later, "A partner that makes names of another"),
    (24, Core, "A hostile EES that fetches or brings contexts"),
    (25, Later, "Forged answers of DNS"),
    (26, Later, "DNS as an amplifier, or searched through"),
    (27, Core, "Who is there, told by different answers, times or rates"),
    (28, Core, "Texts that break out of a log"),
    (29, Core, "Records that are edited, removed or reordered"),
    (30, Core, "A full or failing disk"),
    (31, Core, "Secrets in files, memory, process lists, backups"),
    (32, Core, "Clocks that jump"),
    (
        33,
        Core,
        "A crash in the middle of a write, an old state in place of a newer",
    ),
    (34, Core, "A policy that is half reloaded or too wide"),
    (35, Core, "Headers of proxies that there are not"),
    (36, Core, "Hoarding, and ends far in the future"),
    (37, Core, "A dependency that is malicious or vulnerable"),
    (38, Core, "A notification that nobody sent"),
    (39, Outside, "Targets of interception, found out"),
];

/// What is still open: the demand, and what is missing. Shrink it.
pub(super) const OPEN: &[(&str, &str)] = &[("WP-70", "DNS")];
