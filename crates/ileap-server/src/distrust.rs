//! Why a TLS peer is not believed to be who it is asked to be.

use std::{error::Error, io};

use rustls::CertificateError;

/// What is wrong with a peer's certificate, as seen from here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Distrust {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is somebody else's.
    OtherName,
    /// No authority that is trusted here has issued it.
    UnknownIssuer,
    /// Anything else: the handshake goes wrong.
    Unusable,
}

impl Distrust {
    /// What an error comes from, where that is TLS.
    pub(crate) fn behind(error: &(dyn Error + 'static)) -> Option<Self> {
        tls_error(error).map(Self::of)
    }

    /// What it looks like from here, of a peer that has been named.
    pub(crate) fn finding(self) -> &'static str {
        match self {
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::OtherName => "its certificate is not for this name",
            Self::UnknownIssuer => "no authority that is trusted here vouches for its certificate",
            Self::Unusable => "the TLS handshake goes wrong",
        }
    }

    /// What to look at, where the peer is reached over the web.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::Expired => "have it renewed where TLS ends, and compare this machine's clock",
            Self::NotYetValid => "compare this machine's clock",
            Self::OtherName => {
                "check the host in the URL, and what answers there; else have a certificate issued for it"
            }
            Self::UnknownIssuer => {
                "let the peer send its whole chain; check for a proxy that opens TLS on the way; an authority of your                  own must be among this machine's CA certificates (Debian: update-ca-certificates)"
            }
            Self::Unusable => {
                "check for a proxy that opens TLS on the way, this machine's CA certificates, and its clock"
            }
        }
    }

    fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(error) = error else {
            return Self::Unusable;
        };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            // One that is trusted may have the same name, and another key.
            CertificateError::BadSignature | CertificateError::UnknownIssuer => Self::UnknownIssuer,
            _ => Self::Unusable,
        }
    }
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        // An io::Error's source() is its inner error's source: the inner error itself is passed over.
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(|io| io.get_ref());
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_found_however_deep_it_is_wrapped() {
        for (error, expected) in [
            (CertificateError::Expired, Distrust::Expired),
            (CertificateError::NotValidYet, Distrust::NotYetValid),
            (CertificateError::NotValidForName, Distrust::OtherName),
            (CertificateError::UnknownIssuer, Distrust::UnknownIssuer),
            (CertificateError::BadSignature, Distrust::UnknownIssuer),
            (CertificateError::BadEncoding, Distrust::Unusable),
        ] {
            let error = io::Error::other(rustls::Error::InvalidCertificate(error));
            let wrapped = io::Error::other(sqlx::Error::Io(error));
            assert_eq!(Distrust::behind(&wrapped), Some(expected));
        }
        let other = io::Error::other("no TLS in it");
        assert_eq!(Distrust::behind(&other), None);
    }
}
