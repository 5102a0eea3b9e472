//! A real LDAP directory (OpenLDAP's slapd) that runs here, with the people of `tests/slapd/people.ldif`.

#![allow(dead_code)]

use artel_platform::process::free_port;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

const PROGRAM: &str = "/usr/sbin/slapd";

/// A running directory: `ldap://` and `ldaps://`, each on a port of its own.
pub struct Slapd {
    pub url: String,
    pub tls_url: String,
    process: Child,
}

/// A file of `tests/slapd`. The certificates are for 127.0.0.1, signed by `ca.pem`, whose key nobody has.
pub fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/slapd").join(name)
}

/// `bind_anon_dn`: who gives a name and no password is let in as nobody, as some directories do.
fn rules(folder: &Path) -> String {
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {folder}/pid
allow bind_anon_dn
TLSCACertificateFile {ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
database ldif
suffix dc=lab
directory {folder}/entries
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree=ou=board,ou=groups,dc=lab by dn.exact=cn=reader,dc=lab read by * none
access to * by users read by anonymous auth
",
        folder = folder.display(),
        ca = file("ca.pem").display(),
        certificate = file("server.pem").display(),
        key = file("server.key").display(),
    )
}

impl Slapd {
    /// Starts one that keeps what it has in `folder`.
    pub async fn start(folder: &Path) -> Self {
        assert!(Path::new(PROGRAM).exists(), "{PROGRAM} is missing: run infra/dev/install/slapd");
        std::fs::create_dir_all(folder.join("entries")).expect("a folder");
        let settings = folder.join("slapd.conf");
        std::fs::write(&settings, rules(folder)).expect("the settings are written");
        // Ubuntu's AppArmor lets the program itself read nothing but the system's own directory. Whatever this process wrote
        // itself might be open in another test's child still, and could not be run.
        let program = folder.join("slapd");
        let copied = Command::new("cp").arg(PROGRAM).arg(&program).status().await.expect("cp runs");
        assert!(copied.success(), "{PROGRAM} cannot be copied");
        let mut load = Command::new(&program);
        load.args(["-T", "add", "-f"]).arg(&settings).arg("-l").arg(file("people.ldif"));
        let loaded = load.output().await.expect("slapd runs");
        assert!(loaded.status.success(), "{}", String::from_utf8_lossy(&loaded.stderr));

        let [plain, tls] = [(); 2].map(|()| format!("127.0.0.1:{}", free_port().expect("a free port")));
        let (url, tls_url) = (format!("ldap://{plain}"), format!("ldaps://{tls}"));
        let mut command = Command::new(&program);
        // a debug level, even 0, keeps it in the foreground
        command.args(["-d", "0", "-h", &format!("{url} {tls_url}"), "-f"]).arg(&settings);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("slapd starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        for address in [plain, tls] {
            while TcpStream::connect(&address).await.is_err() {
                assert!(Instant::now() < deadline, "slapd does not listen at {address}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Self { url, tls_url, process }
    }

    pub async fn stop(mut self) {
        let _ = self.process.kill().await;
    }
}

/// The section `[hub.ldap]`: what is built in, and `text`.
pub fn settings(text: &str) -> toml::Table {
    let mut all = artel_platform::config::Config::load(None, &toml::Table::new()).expect("the built-in settings").hub;
    let mut ldap = all.remove("ldap").and_then(|ldap| ldap.as_table().cloned()).expect("the section is there");
    ldap.extend(text.parse::<toml::Table>().expect("TOML"));
    ldap
}
