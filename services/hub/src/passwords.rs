//! Passwords: argon2id, few at a time, and a limit on wrong ones.

use crate::attempts::Attempts;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, CustomizedPasswordHasher, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use artel_platform::{Error, Result, ResultExt};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::Semaphore;

/// How many are worked on at a time: each takes 19 MiB and a core for some milliseconds.
const AT_A_TIME: usize = 2;
/// Blocks (KiB) of which glibc's malloc keeps nothing for the next time: more than the 32 MiB from which it always asks the
/// system. Less it would keep for each thread that has hashed. Those that are not written to take no memory.
const NEVER_KEPT: usize = 33 * 1024;
/// How many right passwords are remembered.
const RECENT: usize = 1_000;

/// Makes and checks password hashes.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    attempts: Attempts,
    /// Fingerprint of a right password by the hash that it fits: a client with Basic sends it with every request.
    /// The key is random and the stored hash part of it, so it says nothing elsewhere and ends with the password.
    recent: Mutex<HashMap<String, [u8; 32]>>,
    key: [u8; 32],
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_A_TIME)), attempts: Attempts::default(), recent: Mutex::default(), key: rand::random() }
    }

    /// The argon2id hash of a new password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        if password.is_empty() {
            return Err(Error::invalid("a password cannot be empty"));
        }
        let password = password.to_owned();
        self.work(move || Hasher::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
            .await?
            .or_internal("cannot hash a password")
    }

    /// Is this the password of `user`? `stored` is its hash, `None` for an unknown user, who takes as long as a known one.
    /// `RESOURCE_EXHAUSTED` after too many wrong ones.
    pub(crate) async fn verify(&self, user: &str, address: &str, password: &str, stored: Option<&str>, now: i64) -> Result<bool> {
        let fingerprint = self.fingerprint(password, stored.unwrap_or_default());
        if stored.is_some_and(|stored| self.is_recent(stored, &fingerprint)) {
            return Ok(true);
        }
        self.attempts.check(user, address, now).map_err(|wait| {
            Error::exhausted(format!("too many wrong passwords for {user}; wait {wait} s and try again")).retry_after(wait)
        })?;
        let hash = stored.map_or_else(|| nobodys().to_owned(), Into::into);
        let given = password.to_owned();
        let fits = self
            .work(move || match PasswordHash::new(&hash) {
                Ok(hash) => Hasher::default().verify_password(given.as_bytes(), &hash).is_ok(),
                Err(_) => false,
            })
            .await?;
        match stored {
            Some(stored) if fits => self.remember(stored, fingerprint),
            _ => self.attempts.note(user, address, now),
        }
        Ok(fits && stored.is_some())
    }

    async fn work<T: Send + 'static>(&self, task: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = self.turns.clone().acquire_owned().await.or_internal("the password workers are gone")?;
        let result = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            task()
        });
        result.await.or_internal("a password worker failed")
    }

    fn fingerprint(&self, password: &str, stored: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(stored.as_bytes());
        hash.update([0]);
        hash.update(password.as_bytes());
        hash.finalize().into()
    }

    fn is_recent(&self, stored: &str, fingerprint: &[u8; 32]) -> bool {
        use subtle::ConstantTimeEq;
        self.recent.lock().expect("not poisoned").get(stored).is_some_and(|known| known.ct_eq(fingerprint).into())
    }

    fn remember(&self, stored: &str, fingerprint: [u8; 32]) {
        let mut recent = self.recent.lock().expect("not poisoned");
        if recent.len() >= RECENT {
            recent.clear();
        }
        recent.insert(stored.to_owned(), fingerprint);
    }
}

/// argon2id with its usual parameters, whose memory goes back to the system after each hash.
#[derive(Default)]
struct Hasher {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl PasswordHasher<PasswordHash> for Hasher {
    fn hash_password_with_salt(&self, password: &[u8], salt: &[u8]) -> password_hash::Result<PasswordHash> {
        let salt = Salt::new(salt)?;
        let blocks = self.params.block_count();
        let mut memory = Vec::with_capacity(blocks.max(NEVER_KEPT));
        memory.resize(blocks, Block::new());
        let mut out = vec![0; self.params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        Argon2::new(self.algorithm, self.version, self.params.clone()).hash_password_into_with_memory(
            password,
            &salt,
            &mut out,
            &mut memory,
        )?;
        Ok(PasswordHash {
            algorithm: self.algorithm.ident(),
            version: Some(self.version.into()),
            params: ParamsString::try_from(&self.params)?,
            salt: Some(salt),
            hash: Some(Output::new(&out)?),
        })
    }
}

/// By this stored hashes are verified, with their own parameters.
impl CustomizedPasswordHasher<PasswordHash> for Hasher {
    type Params = Params;

    fn hash_password_customized(
        &self,
        password: &[u8],
        salt: &[u8],
        algorithm: Option<&str>,
        version: Option<u32>,
        params: Params,
    ) -> password_hash::Result<PasswordHash> {
        let algorithm = algorithm.map(Algorithm::try_from).transpose()?.unwrap_or_default();
        let version = version.map(Version::try_from).transpose()?.unwrap_or_default();
        Self { algorithm, version, params }.hash_password_with_salt(password, salt)
    }
}

/// A hash that no password is known for.
fn nobodys() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let password: [u8; 32] = rand::random();
        Hasher::default().hash_password(&password).map(|hash| hash.to_string()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn resident_mib() -> i64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<i64>().unwrap() / 1024
    }

    #[test]
    fn the_memory_of_a_hash_goes_back() {
        let before = resident_mib();
        let (hashed, leave) = (Barrier::new(9), Barrier::new(9));
        let after = std::thread::scope(|threads| {
            for _ in 0..8 {
                threads.spawn(|| {
                    // malloc keeps what it was asked for before
                    for _ in 0..2 {
                        Hasher::default().hash_password(b"correct horse").unwrap();
                    }
                    hashed.wait();
                    leave.wait();
                });
            }
            hashed.wait();
            let after = resident_mib();
            leave.wait();
            after
        });
        assert!(after - before < 100, "{before} MiB before, {after} MiB afterwards");
    }

    #[test]
    fn hashes_are_those_of_the_crate() {
        let stored = Argon2::default().hash_password(b"correct horse").unwrap();
        assert!(Hasher::default().verify_password(b"correct horse", &stored).is_ok());
        let own = Hasher::default().hash_password(b"correct horse").unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", &own).is_ok());
        assert_eq!((own.algorithm, own.version, own.params), (stored.algorithm, stored.version, stored.params));
        let params = Params::new(64, 1, 2, Some(16)).unwrap();
        let other = Argon2::from(params).hash_password(b"correct horse").unwrap();
        assert!(Hasher::default().verify_password(b"correct horse", &other).is_ok());
        assert!(Hasher::default().verify_password(b"battery staple", &other).is_err());
    }

    #[tokio::test]
    async fn right_and_wrong() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        for _ in 0..2 {
            assert!(passwords.verify("ada", "here", "correct horse", Some(&hash), 0).await.unwrap());
        }
        assert!(!passwords.verify("ada", "here", "battery staple", Some(&hash), 0).await.unwrap());
        assert!(!passwords.verify("nobody", "here", "correct horse", None, 0).await.unwrap());
        assert!(passwords.hash("").await.is_err());
    }
}
