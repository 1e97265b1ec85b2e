//! Whom a `wss` address is trusted by, and in which words it is told that it is not.
//!
//! It opens no connection.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InvalidMessage, RootCertStore,
    SignatureScheme,
};

use crate::Settings;
use crate::open::{Cause, plain};

/// The certificates of the CA file, or of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` name
/// others).
pub(crate) fn tls(settings: &Settings) -> Result<ClientConfig, String> {
    let (mut roots, mut named) = (RootCertStore::empty(), Vec::new());
    if let Some(file) = &settings.ca_file {
        let wrong = |why: String| format!("{}: {why}", file.display());
        let pem = std::fs::read(file).map_err(|error| wrong(plain(&error)))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            named.push(certificate.clone());
            roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(wrong("there is no certificate in it".into()));
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this machine trusts no certificate; name a CA file".into());
        }
    }
    // The provider is named here, so that it need not be installed for the whole program.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let usual = WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let usual = usual.build().map_err(|error| error.to_string())?;
    let verifier = Arc::new(Verifier { usual, named });
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| {
            builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()
        })
        .map_err(|error| error.to_string())
}

/// The usual rules, and beyond them: a certificate that stands in the CA file itself is trusted as it
/// is. `openssl req -x509` makes such, which are their own authority and may have no name; whoever
/// has its key is whom the file means.
#[derive(Debug)]
struct Verifier {
    usual: Arc<WebPkiServerVerifier>,
    /// The certificates of the CA file.
    named: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(shown, others, name, ocsp, now);
        let Err(Error::InvalidCertificate(why)) = &usual else { return usual };
        let is_named = self.named.iter().any(|it| it == shown);
        // Whether it is of this time was judged before whether it is an authority's.
        let verdict = if is_named && is_own_authority(why) {
            verify_server_name(&ParsedCertificate::try_from(shown)?, name)
        } else {
            Err(Error::InvalidCertificate(why.clone()))
        };
        match verdict {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(Error::InvalidCertificate(why)) if is_named && is_nameless(&why) => {
                Ok(ServerCertVerified::assertion())
            }
            Err(error) => Err(error),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, shown, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, shown, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// Whether what is wrong is that a server shows an authority's certificate; in webpki's word for it.
fn is_own_authority(why: &CertificateError) -> bool {
    matches!(why, CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity")
}

/// Whether what is wrong is that it has no name at all.
fn is_nameless(why: &CertificateError) -> bool {
    matches!(why, CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty())
}

/// What of TLS would be no better in a minute: a certificate that is not good, and a server that
/// speaks something else.
pub(crate) fn distrusted(error: &std::io::Error) -> Option<Cause> {
    let why = match error.get_ref()?.downcast_ref()? {
        Error::InvalidCertificate(why) => format!("its certificate {}", fault(why)),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "it speaks no TLS; is ws:// meant?".into()
        }
        _ => return None,
    };
    Some(Cause::Final { status: None, why })
}

/// What is wrong with a certificate, for whoever runs the client.
fn fault(why: &CertificateError) -> String {
    use CertificateError as E;
    match why {
        // A bad signature is that of an authority that only has the name of one that is trusted.
        E::UnknownIssuer | E::BadSignature => {
            "is signed by nobody who is trusted here; a CA file would name whom \
                             to trust"
                .into()
        }
        E::Expired | E::ExpiredContext { .. } => "has expired, or this clock is wrong".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "is not valid yet, or this clock is wrong".into()
        }
        why if is_own_authority(why) => {
            "is its own authority's (CA:TRUE), which only a CA file with this very one vouches for"
                .into()
        }
        other => format!("is not good: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: Error) -> Option<String> {
        match distrusted(&std::io::Error::other(error))? {
            Cause::Final { status: None, why } => Some(why),
            other => panic!("{other:?} would be tried again"),
        }
    }

    #[test]
    fn what_would_be_no_better_is_told_in_words() {
        for (error, word) in [
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), "nobody who is trusted"),
            (Error::InvalidCertificate(CertificateError::BadSignature), "nobody who is trusted"),
            (Error::InvalidCertificate(CertificateError::Expired), "has expired"),
            (Error::InvalidCertificate(CertificateError::NotValidYet), "not valid yet"),
            (Error::InvalidCertificate(CertificateError::Revoked), "not good: "),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), "no TLS"),
        ] {
            assert!(told(error.clone()).is_some_and(|why| why.contains(word)), "{error:?}");
        }
    }

    #[test]
    fn a_line_that_breaks_in_the_handshake_is_tried_again() {
        assert_eq!(told(Error::HandshakeNotComplete), None);
        assert!(distrusted(&std::io::ErrorKind::UnexpectedEof.into()).is_none());
    }
}
