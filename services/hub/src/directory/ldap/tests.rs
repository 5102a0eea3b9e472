//! Names that mean something in filters and distinguished names. Nobody can be called so here, so the directory is asked
//! past the hub, which lets none of them through.

#[path = "../../../tests/support/slapd.rs"]
mod slapd;

use super::{Directory, Ldap, Settings};
use artel_platform::testkit::{Engine, fixture};
use slapd::Slapd;

const BY_TEMPLATE: &str = "bind_dn_template = ['uid={username},ou=people,dc=lab', 'uid={username},ou=staff,dc=lab']";
const BY_SEARCH: &str = "search_base = 'dc=lab'\nsearch_user_dn = 'cn=reader,dc=lab'\nsearch_password = \"reader's\"";

fn directory(slapd: &Slapd, more: &str) -> Ldap {
    let settings: Settings = slapd::settings(&format!("url = '{}'\n{more}", slapd.url)).try_into().unwrap();
    settings.check().unwrap();
    Ldap::new(&settings).unwrap().unwrap()
}

#[tokio::test]
async fn names_are_nothing_but_names() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = Slapd::start(&fixture.cx.config.data.join("slapd")).await;
    for way in [BY_TEMPLATE, BY_SEARCH] {
        let directory = directory(&slapd, &format!("{way}\ngroups_base = 'ou=groups,dc=lab'"));
        let groups = async |name: &str, password: &str| directory.ask(name, password).await.unwrap().map(|who| who.groups.unwrap());
        assert_eq!(groups("o'neil (x)*", "oneil's").await.unwrap(), ["research"], "{way}");
        assert_eq!(groups("smith, john+ou=x", "john's").await.unwrap(), [] as [&str; 0], "{way}");
        for name in [
            "*",
            "ad*",
            "",
            "a)(uid=*",
            "ada)(objectClass=*",
            "nobody)(|(uid=ada)",
            "ada,ou=people",
            "ada,ou=x",
            "ada+cn=Ada Lovelace",
            "\0",
        ] {
            for password in ["ada's", "", "\0"] {
                assert_eq!(groups(name, password).await, None, "{way} {name:?} {password:?}");
            }
        }
        for password in ["bob's", "", "\0", "ada's\0"] {
            assert_eq!(groups("ada", password).await, None, "{way} {password:?}");
        }
        assert!(groups("ada", "ada's").await.is_some(), "{way}");
    }
    slapd.stop().await;
}

#[tokio::test]
async fn somebody_is_known_again_by_what_the_settings_say() {
    let fixture = fixture(Engine::Sqlite).await.unwrap();
    let slapd = Slapd::start(&fixture.cx.config.data.join("slapd")).await;
    for way in [BY_TEMPLATE, BY_SEARCH] {
        let who = directory(&slapd, way).ask("ada", "ada's").await.unwrap().unwrap();
        assert_eq!((who.subject.as_str(), who.name.as_str(), who.groups, who.admin), ("uid=ada,ou=people,dc=lab", "ada", None, None));
        let named = directory(&slapd, &format!("{way}\nid_attribute = 'ENTRYUUID'\nuser_attribute = 'displayname'"));
        let who = named.ask("ada", "ada's").await.unwrap().unwrap();
        assert_eq!((who.subject.len(), who.subject.matches('-').count(), who.name.as_str()), (36, 4, "Ada"));
        // eve has two mailboxes, and nobody a number
        for attribute in ["mail", "employeeNumber"] {
            let unclear = directory(
                &slapd,
                &format!("{way}\nuser_attribute = '{attribute}'\nsearch_filter = '(&(uid={{username}})(cn=Eve)(mail=eve@*))'"),
            );
            let error = unclear.ask("eve", "eve's").await.unwrap_err();
            assert!(error.message.contains("hub.ldap.user_attribute"), "{error}");
        }
    }
    slapd.stop().await;
}
