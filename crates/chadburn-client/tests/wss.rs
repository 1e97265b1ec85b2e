//! wss with a certificate authority of the test's own.

use std::sync::Arc;
use std::time::Duration;

use chadburn_client::{Event, Failure, Link, Settings};
use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A server that echoes over TLS, and the directory with the authority's certificate in `ca.pem`.
async fn echo() -> (u16, TempDir) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("ca.pem"), authority.pem()).expect("it can be written");

    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".into()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .expect("the key fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));

    let listener = TcpListener::bind("localhost:0").await.expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust us leaves.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (port, directory)
}

fn settings(host: &str, port: u16) -> Settings {
    Settings::new(&format!("wss://{host}:{port}/")).expect("an address")
}

#[tokio::test]
async fn a_server_whose_authority_is_trusted_is_spoken_to() {
    let (port, directory) = echo().await;
    let settings = settings("localhost", port).ca_file(directory.path().join("ca.pem"));
    let mut link = Link::connect(settings).await.expect("it is trusted");
    link.send("in confidence").await.expect("there is room");
    assert_eq!(link.recv().await, Some(Event::Up));
    assert_eq!(link.recv().await, Some(Event::Message("in confidence".into())));
}

#[tokio::test]
async fn a_server_that_is_not_trusted_or_not_meant_is_refused_at_once() {
    let (port, directory) = echo().await;
    // This machine's own authorities know nothing of ours.
    let strange = settings("localhost", port);
    // The certificate is for another name.
    let misnamed = settings("127.0.0.1", port).ca_file(directory.path().join("ca.pem"));
    for settings in [strange, misnamed] {
        let refused = tokio::time::timeout(Duration::from_secs(5), Link::connect(settings)).await;
        match refused.expect("at once") {
            Err(Failure::Refused { why, .. }) => assert!(why.contains("certificate"), "{why}"),
            Err(Failure::Setting(why)) => assert!(why.contains("trusts no certificate"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_ca_file_that_is_none_is_told_before_anything_is_tried() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ca.pem");
    let missing = Link::open(settings("localhost", 1).ca_file(&file));
    assert!(matches!(missing, Err(Failure::Setting(_))), "{missing:?}");
    std::fs::write(&file, "brass\n").expect("it can be written");
    let empty = Link::open(settings("localhost", 1).ca_file(&file));
    assert!(
        matches!(&empty, Err(Failure::Setting(why)) if why.contains("no certificate")),
        "{empty:?}"
    );
}
