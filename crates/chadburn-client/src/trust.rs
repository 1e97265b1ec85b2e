//! Whom a `wss` address is trusted by, and in which words it is told that it is not.
//!
//! It opens no connection.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, Error, InvalidMessage, RootCertStore};

use crate::Settings;
use crate::open::{Cause, plain};

/// The certificates of the CA file, or of this machine (`SSL_CERT_FILE` and `SSL_CERT_DIR` name
/// others).
pub(crate) fn tls(settings: &Settings) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &settings.ca_file {
        let wrong = |why: String| format!("{}: {why}", file.display());
        let pem = std::fs::read(file).map_err(|error| wrong(plain(&error)))?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
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
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| error.to_string())
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
        // webpki's word for what `openssl req -x509` makes by default.
        E::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "is an authority's own (CA:TRUE), which no server may show".into()
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
