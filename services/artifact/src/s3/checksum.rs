//! The checksums that clients send along with bytes (Amazon S3 user guide, "Checking object integrity").

use super::failure;
use super::request::Request;
use artel_platform::blob::Written;
use artel_platform::{Error, Result};
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};

/// How a checksum is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// Algorithm, its name, its header, its XML element.
const ALGORITHMS: &[(Algorithm, &str, &str, &str)] = &[
    (Algorithm::Crc32, "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32"),
    (Algorithm::Crc32c, "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C"),
    (Algorithm::Crc64Nvme, "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME"),
    (Algorithm::Sha1, "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1"),
    (Algorithm::Sha256, "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256"),
];

impl Algorithm {
    fn row(self) -> &'static (Algorithm, &'static str, &'static str, &'static str) {
        ALGORITHMS.iter().find(|row| row.0 == self).unwrap_or(&ALGORITHMS[0])
    }

    /// As it is named in requests and answers.
    pub(super) fn name(self) -> &'static str {
        self.row().1
    }

    pub(super) fn header(self) -> &'static str {
        self.row().2
    }

    pub(super) fn element(self) -> &'static str {
        self.row().3
    }

    fn parse(name: &str) -> Result<Self> {
        let row = ALGORITHMS.iter().find(|row| row.1.eq_ignore_ascii_case(name));
        row.map(|row| row.0).ok_or_else(|| Error::invalid(format!("the checksum algorithm {name} is not known")))
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn crc_bytes(self, value: u64) -> Vec<u8> {
        let bytes = value.to_be_bytes();
        if self == Self::Crc64Nvme { bytes.to_vec() } else { bytes[4..].to_vec() }
    }
}

/// A checksum that is kept with an object or part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checksum {
    pub(super) algorithm: Algorithm,
    /// Base64; of a composite one with `-PARTS` at its end.
    pub(super) value: String,
}

impl Checksum {
    /// `COMPOSITE` or `FULL_OBJECT`.
    pub(super) fn kind(&self) -> &'static str {
        if self.value.contains('-') { COMPOSITE } else { FULL_OBJECT }
    }
}

pub(super) const COMPOSITE: &str = "COMPOSITE";
pub(super) const FULL_OBJECT: &str = "FULL_OBJECT";

/// What a request says about the checksum of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) algorithm: Algorithm,
    /// Said in the head; else it may come in a trailer.
    pub(super) value: Option<String>,
}

impl Wanted {
    pub(super) fn of(request: &Request) -> Result<Option<Self>> {
        let given = ALGORITHMS.iter().filter_map(|row| Some(Self { algorithm: row.0, value: Some(request.amz(row.2)?.to_owned()) }));
        let mut given: Vec<Self> = given.collect();
        if given.len() > 1 {
            return Err(Error::invalid("give one checksum of the bytes"));
        }
        if let Some(one) = given.pop() {
            return Ok(Some(one));
        }
        let trailer = request.header("x-amz-trailer").map(str::to_ascii_lowercase);
        if let Some(row) = ALGORITHMS.iter().find(|row| trailer.as_ref().is_some_and(|t| t.split(',').any(|name| name.trim() == row.2))) {
            return Ok(Some(Self { algorithm: row.0, value: None }));
        }
        Ok(algorithm(request)?.map(|algorithm| Self { algorithm, value: None }))
    }
}

/// The algorithm that a request names without a value.
pub(super) fn algorithm(request: &Request) -> Result<Option<Algorithm>> {
    let named = request.amz("x-amz-checksum-algorithm").or_else(|| request.amz("x-amz-sdk-checksum-algorithm"));
    named.map(Algorithm::parse).transpose()
}

/// Computes while bytes pass. SHA-256 is the store's own.
pub(super) enum Hasher {
    Crc(Algorithm, Box<crc_fast::Digest>),
    Sha1(Box<digest::Context>),
    Sha256,
}

impl Hasher {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm.crc() {
            Some(crc) => Self::Crc(algorithm, Box::new(crc_fast::Digest::new(crc))),
            None if algorithm == Algorithm::Sha1 => Self::Sha1(Box::new(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))),
            None => Self::Sha256,
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(_, crc) => crc.update(bytes),
            Self::Sha1(sha1) => sha1.update(bytes),
            Self::Sha256 => {}
        }
    }

    pub(super) fn finish(self, written: &Written) -> Checksum {
        let (algorithm, bytes) = match self {
            Self::Crc(algorithm, crc) => (algorithm, algorithm.crc_bytes(crc.finalize())),
            Self::Sha1(sha1) => (Algorithm::Sha1, sha1.finish().as_ref().to_vec()),
            Self::Sha256 => (Algorithm::Sha256, hex::decode(&written.sha256).unwrap_or_default()),
        };
        Checksum { algorithm, value: STANDARD.encode(bytes) }
    }
}

/// The checksum of parts put together: of the bytes (`full`, where each part's size is known), or of the parts'
/// checksums. `None` where a part has none of that algorithm.
pub(super) fn of_parts(algorithm: Algorithm, full: bool, parts: &[(Option<Checksum>, u64)]) -> Result<Option<Checksum>> {
    let mut values = Vec::with_capacity(parts.len());
    for (checksum, size) in parts {
        let Some(checksum) = checksum.as_ref().filter(|c| c.algorithm == algorithm) else { return Ok(None) };
        let bytes = STANDARD.decode(&checksum.value).map_err(|_| failure::argument("a part's checksum is not Base64"))?;
        values.push((bytes, *size));
    }
    let value = match algorithm.crc().filter(|_| full) {
        Some(crc) => {
            let number = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
            let whole = values.iter().fold(None, |sum: Option<u64>, (bytes, size)| match sum {
                None => Some(number(bytes)),
                Some(sum) => Some(crc_fast::checksum_combine(crc, sum, number(bytes), *size)),
            });
            STANDARD.encode(algorithm.crc_bytes(whole.unwrap_or(0)))
        }
        None if full => return Err(Error::invalid(format!("{} of a whole object cannot be had from its parts", algorithm.name()))),
        None => {
            let all: Vec<u8> = values.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
            let mut hasher = Hasher::new(algorithm);
            hasher.update(&all);
            let written = Written { size: all.len() as u64, sha256: super::signature::sha256(&all), md5: None };
            format!("{}-{}", hasher.finish(&written).value, values.len())
        }
    };
    Ok(Some(Checksum { algorithm, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish(&Written { size: 0, sha256: super::super::signature::sha256(bytes), md5: None })
    }

    #[test]
    fn checksums_of_the_check_string() {
        // the catalogue's check values for "123456789", and FIPS 180 for the hashes
        for (algorithm, hex) in [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            assert_eq!(sum(algorithm, b"123456789").value, STANDARD.encode(hex::decode(hex).unwrap()), "{algorithm:?}");
        }
    }

    #[test]
    fn parts_make_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let parts = [(Some(sum(algorithm, b"1234")), 4), (Some(sum(algorithm, b"56")), 2), (Some(sum(algorithm, b"789")), 3)];
            assert_eq!(of_parts(algorithm, true, &parts).unwrap().unwrap(), sum(algorithm, b"123456789"));
            let composite = of_parts(algorithm, false, &parts).unwrap().unwrap();
            assert!(composite.value.ends_with("-3") && composite.kind() == COMPOSITE);
        }
        let parts = [(Some(sum(Algorithm::Sha256, b"1")), 1), (None, 1)];
        assert_eq!(of_parts(Algorithm::Sha256, false, &parts).unwrap(), None);
        assert!(of_parts(Algorithm::Sha256, true, &parts[..1]).is_err());
    }
}
