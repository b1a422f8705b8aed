//! What a server serves: the words that its policies can speak in, as a Cedar schema.

use super::shipped::Shipped;
use edgeapp_core::{authorizer::ReferencePoint, principal::Role};
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The operations that a server serves, by listener, and the policies that it comes with.
#[derive(Clone, Debug)]
pub struct Catalogue {
    shipped: &'static [Shipped],
    served: Vec<(ReferencePoint, &'static str)>,
}

impl Catalogue {
    /// A server that comes with these policies and serves nothing yet.
    pub fn new(shipped: &'static [Shipped]) -> Self {
        Self {
            shipped,
            served: Vec::new(),
        }
    }

    /// It serves these operations at this reference point.
    pub fn serves(mut self, point: ReferencePoint, operations: &[&'static str]) -> Self {
        self.served
            .extend(operations.iter().map(|operation| (point, *operation)));
        self
    }

    /// Each operation at each reference point that serves it.
    pub fn served(&self) -> &[(ReferencePoint, &'static str)] {
        &self.served
    }

    /// The policies it comes with.
    pub fn shipped(&self) -> &'static [Shipped] {
        self.shipped
    }

    /// The reference points.
    pub fn points(&self) -> Vec<ReferencePoint> {
        once_each(self.served.iter().map(|(point, _)| *point))
    }

    /// The APIs.
    pub fn apis(&self) -> Vec<&'static str> {
        once_each(self.served.iter().map(|(_, operation)| api_of(operation)))
    }

    fn operations(&self) -> Vec<&'static str> {
        once_each(self.served.iter().map(|(_, operation)| *operation))
    }

    /// Writes the policies that the server comes with into this folder, with the schema for editors. What stands there already stays.
    ///
    /// # Errors
    /// When a file cannot be written, or is there already.
    pub fn write(&self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder)?;
        let schema = ("schema.cedarschema", self.schema());
        let files = self.shipped.iter().map(|file| (file.name, file.text.to_owned()));
        let write = |(name, text): (&str, String)| {
            let path = folder.join(name);
            let in_path = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
            let mut file = File::create_new(&path).map_err(in_path)?;
            file.write_all(text.as_bytes()).map_err(in_path)?;
            Ok(path)
        };
        files.chain([schema]).map(write).collect()
    }

    /// The Cedar schema of its policies.
    pub fn schema(&self) -> String {
        let all = |names: Vec<String>| names.join(", ");
        let listeners = all(self
            .points()
            .iter()
            .map(|point| format!("{:?}", point.as_str()))
            .collect());
        let roles = all(Role::ALL.map(|role| type_of(role).to_owned()).to_vec());
        let mut schema = format!(
            "// What the policies of this server can speak of. Written for people and editors; the server does not read it.

// Who asks, by role. Its name is the identity URI of its certificate: Ees::\"urn:edgeapp:ees:ees-a.example\".
entity {roles} = {{
    // The identifier in the identity URI: EECID, EASID, EESID.
    id: String,
    // The identity URI; that of an EAS with its instance behind #.
    owner: String,
    // The provider that the certificate names as urn:edgeapp:asp:<provider>.
    provider?: String,
    // The DNS names of the certificate, in lower case.
    dns_names: Set<String>,
}};

// Where the request came in.
entity Listener enum [{listeners}];
"
        );
        for api in self.apis() {
            let _ = writeln!(schema, "\naction {api:?};");
            for operation in self.operations().into_iter().filter(|name| api_of(name) == api) {
                let callers = self.served.iter().filter(|(_, served)| *served == operation);
                let callers = all(once_each(callers.map(|(point, _)| type_of(point.caller()).to_owned())));
                let _ = writeln!(
                    schema,
                    "action {operation:?} in [{api:?}] appliesTo {{ principal: [{callers}], resource: [Listener], context: {{ is_owner: Bool }} }};"
                );
            }
        }
        schema
    }
}

/// The API of an operation: what stands before the colon.
pub(super) fn api_of(operation: &str) -> &str {
    operation.split(':').next().unwrap_or(operation)
}

/// The entity type of a role.
pub(super) const fn type_of(role: Role) -> &'static str {
    match role {
        Role::Eec => "Eec",
        Role::Eas => "Eas",
        Role::Ees => "Ees",
        Role::Ecs => "Ecs",
        Role::Operator => "Operator",
        Role::Provider => "Provider",
        Role::Nef => "Nef",
        Role::Ccf => "Ccf",
        Role::Smf => "Smf",
        Role::Stranger => "Stranger",
    }
}

fn once_each<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}
