use super::*;
use hickory_proto::op::ResponseCode;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_rustls::TlsAcceptor;

const NAME: &str = "dns.edge.example";
const PATIENCE: Duration = Duration::from_secs(5);

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").der().clone();
        Self {
            params,
            key,
            certificate,
        }
    }

    /// What a client goes by that believes this authority.
    fn believed(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).expect("a root");
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn issue(&self, name: &str, until: i32) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        (certificate.der().clone(), key)
    }
}

/// A server that answers nothing, and tells how many octets each connection brought inside TLS.
struct Server {
    address: SocketAddr,
    certificate: CertificateDer<'static>,
    brought: mpsc::UnboundedReceiver<usize>,
}

impl Server {
    async fn start((certificate, key): (CertificateDer<'static>, KeyPair)) -> Self {
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a certificate");
        config.alpn_protocols = vec![b"dot".to_vec()];
        // Unread ones would make a client that goes reset the connection.
        config.send_tls13_tickets = 0;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (tell, brought) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let mut octets = Vec::new();
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    // Clients may go without a word.
                    let _ = stream.read_to_end(&mut octets).await;
                }
                let _ = tell.send(octets.len());
            }
        });
        Self {
            address,
            certificate,
            brought,
        }
    }

    /// The client gave up, and this server learned nothing.
    async fn was_asked_nothing(mut self, connected: Result<DotClient, ClientError>) {
        assert!(matches!(connected, Err(ClientError::Connect { .. })));
        assert_eq!(self.brought.recv().await, Some(0));
    }
}

/// Proves: DNS-D-01
#[tokio::test]
async fn a_server_of_the_right_name_and_authority_is_asked() {
    let authority = Authority::new();
    let mut server = Server::start(authority.issue(NAME, 2100)).await;
    let client = DotClient::connect(server.address, NAME, authority.believed(), PATIENCE).await;
    let mut client = client.expect("a connection");
    assert_eq!(client.stream().get_ref().1.alpn_protocol(), Some(&b"dot"[..]));
    client.send(&[0; 12]).await.expect("sent");
    drop(client);
    assert_eq!(server.brought.recv().await, Some(14));
}

/// Proves: DNS-D-02
#[tokio::test]
async fn a_server_of_another_name_is_asked_nothing() {
    let authority = Authority::new();
    let server = Server::start(authority.issue("dns.other.example", 2100)).await;
    let connected = DotClient::connect(server.address, NAME, authority.believed(), PATIENCE).await;
    server.was_asked_nothing(connected).await;
}

/// Proves: DNS-D-03
#[tokio::test]
async fn a_server_of_another_authority_is_asked_nothing() {
    let server = Server::start(Authority::new().issue(NAME, 2100)).await;
    let connected = DotClient::connect(server.address, NAME, Authority::new().believed(), PATIENCE).await;
    server.was_asked_nothing(connected).await;
}

/// Proves: DNS-D-04
#[tokio::test]
async fn a_server_whose_certificate_is_over_is_asked_nothing() {
    let authority = Authority::new();
    let server = Server::start(authority.issue(NAME, 2021)).await;
    let connected = DotClient::connect(server.address, NAME, authority.believed(), PATIENCE).await;
    server.was_asked_nothing(connected).await;
}

/// Proves: DNS-D-05
#[tokio::test]
async fn a_server_with_another_key_than_the_pinned_ones_is_asked_nothing() {
    let authority = Authority::new();
    let server = Server::start(authority.issue(NAME, 2100)).await;
    let another = Pin::of_certificate(&authority.issue(NAME, 2100).0).expect("a pin");
    let its = Pin::of_certificate(&server.certificate).expect("a pin");
    let connect = async |pins: &[Pin]| {
        DotClient::connect_pinned(server.address, NAME, authority.believed(), pins, PATIENCE).await
    };
    // One of them is a spare.
    drop(connect(&[another, its]).await.expect("a connection"));
    let connected = connect(&[another]).await;
    let mut server = server;
    assert_eq!(
        server.brought.recv().await,
        Some(0),
        "nothing was asked of the right one"
    );
    server.was_asked_nothing(connected).await;
}

#[test]
fn a_pin_is_32_octets() {
    let good = STANDARD.encode([7; 32]);
    assert_eq!(good.parse(), Ok(Pin([7; 32])));
    assert_eq!(STANDARD.encode([7; 31]).parse::<Pin>(), Err(BadPin));
    assert_eq!("no pin".parse::<Pin>(), Err(BadPin));
}

/// RFC 8467 clause 4.1.
#[test]
fn queries_are_padded() {
    for name in ["a.example.", "chess.edge.example."] {
        let ask = Ask::new(Name::from_ascii(name).expect("a name"), RecordType::A);
        let message = ask.message(7).expect("a message");
        assert_eq!(message.len() % BLOCK, 0, "{name}");
        let read = Message::from_vec(&message).expect("a message");
        assert_eq!(read.metadata.response_code, ResponseCode::NoError);
    }
}
