//! What a server is started with: the settings, a profile that its user chose, and the profile's options. Names and
//! form fields are those of upstream's Kubernetes spawner (`profile_list`), whose clients send `user_options` with the
//! slug of a profile and the choice of each option.

use crate::config::Settings;
use artel_platform::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a profile or a choice makes otherwise than the setting of the same name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// The program that is the server, with its arguments.
    pub command: Option<Vec<String>>,
    /// Arguments after those of the program.
    pub arguments: Option<Vec<String>>,
    /// Where the server's root leads, a path of its own.
    pub default_url: Option<String>,
    /// MiB of memory that the server with all its kernels gets; 0: no limit.
    pub memory_mib: Option<u64>,
    /// Processors that it gets; 0: no limit.
    pub cpus: Option<f64>,
    /// More environment variables.
    pub environment: BTreeMap<String, String>,
    /// Seconds from the start of the process to its first answer.
    pub start_timeout_seconds: Option<u64>,
    /// Seconds without activity after which it is stopped; 0: never.
    pub cull_idle_seconds: Option<u64>,
    /// Seconds after which it is stopped whatever it does; 0: never.
    pub cull_max_age_seconds: Option<u64>,
}

/// A way to start a server that users may choose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// What `user_options.profile` says.
    pub slug: String,
    /// What people read.
    #[serde(default)]
    pub display_name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Chosen where nobody chooses; else the first is.
    #[serde(default)]
    pub default: bool,
    /// Whose members may choose it; empty: everybody.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What is otherwise with it.
    #[serde(default)]
    pub overrides: Overrides,
    /// What is chosen beside it.
    #[serde(default)]
    pub options: Vec<ProfileOption>,
}

/// One choice beside a profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileOption {
    /// The key in `user_options`.
    pub name: String,
    /// What people read.
    #[serde(default)]
    pub display_name: String,
    /// What there is to choose from.
    pub choices: Vec<Choice>,
}

/// One of an option's choices.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The value in `user_options`.
    pub name: String,
    /// What people read.
    #[serde(default)]
    pub display_name: String,
    /// Chosen where nobody chooses; else the first is.
    #[serde(default)]
    pub default: bool,
    /// What is otherwise with it.
    #[serde(default)]
    pub overrides: Overrides,
}

/// One start's settings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// Empty: `jupyterhub-singleuser` of the notebook environment.
    pub command: Vec<String>,
    pub arguments: Vec<String>,
    pub default_url: String,
    pub memory_mib: u64,
    pub cpus: f64,
    pub environment: BTreeMap<String, String>,
    pub start_timeout: Duration,
    pub cull_idle_seconds: u64,
    pub cull_max_age_seconds: u64,
}

impl Plan {
    /// By the settings alone.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            command: settings.command.clone(),
            arguments: settings.arguments.clone(),
            default_url: settings.default_url.clone(),
            memory_mib: settings.memory_mib,
            cpus: settings.cpus,
            environment: settings.environment.clone(),
            start_timeout: Duration::from_secs(settings.start_timeout_seconds),
            cull_idle_seconds: settings.cull_idle_seconds,
            cull_max_age_seconds: settings.cull_max_age_seconds,
        }
    }

    fn apply(&mut self, over: &Overrides) {
        let set = |own: &mut Vec<String>, other: &Option<Vec<String>>| other.iter().for_each(|other| own.clone_from(other));
        set(&mut self.command, &over.command);
        set(&mut self.arguments, &over.arguments);
        over.default_url.iter().for_each(|url| self.default_url.clone_from(url));
        self.memory_mib = over.memory_mib.unwrap_or(self.memory_mib);
        self.cpus = over.cpus.unwrap_or(self.cpus);
        self.environment.extend(over.environment.clone());
        self.start_timeout = over.start_timeout_seconds.map_or(self.start_timeout, Duration::from_secs);
        self.cull_idle_seconds = over.cull_idle_seconds.unwrap_or(self.cull_idle_seconds);
        self.cull_max_age_seconds = over.cull_max_age_seconds.unwrap_or(self.cull_max_age_seconds);
    }

    /// With the profile and the choices that `options` name, for a member of `groups`. Without profiles the options are
    /// nobody's business, as upstream's local spawner has it. `INVALID_ARGUMENT` for what there is not.
    pub(crate) fn chosen(settings: &Settings, groups: &[String], options: &Value) -> Result<Self> {
        let mut plan = Self::new(settings);
        if settings.profiles.is_empty() {
            return Ok(plan);
        }
        let none = Map::new();
        let options = options.as_object().unwrap_or(&none);
        let profile = profile(settings, groups, options)?;
        plan.apply(&profile.overrides);
        for option in &profile.options {
            plan.apply(&choice(option, options)?.overrides);
        }
        let known = |key: &str| key == "profile" || profile.options.iter().any(|option| option.name == key);
        match options.keys().find(|key| !known(key)) {
            Some(key) => Err(Error::invalid(format!("user_options.{key} is no option of the profile {}", profile.slug))),
            None => Ok(plan),
        }
    }

    /// The same for a server that was started before the settings were what they are now.
    pub(crate) fn of_running(settings: &Settings, groups: &[String], options: &Value) -> Self {
        Self::chosen(settings, groups, options).unwrap_or_else(|_| Self::new(settings))
    }
}

/// The profiles that a member of `groups` may choose.
pub(crate) fn offered<'a>(settings: &'a Settings, groups: &[String]) -> Vec<&'a Profile> {
    let open = |profile: &&Profile| profile.groups.is_empty() || profile.groups.iter().any(|group| groups.contains(group));
    settings.profiles.iter().filter(open).collect()
}

fn profile<'a>(settings: &'a Settings, groups: &[String], options: &Map<String, Value>) -> Result<&'a Profile> {
    let offered = offered(settings, groups);
    let Some(first) = offered.first() else {
        return Err(Error::denied("none of the profiles (hub.profiles) is for a group that you are in; ask an administrator"));
    };
    match options.get("profile") {
        None | Some(Value::Null) => Ok(offered.iter().find(|profile| profile.default).unwrap_or(first)),
        Some(wanted) => offered.iter().find(|profile| wanted == &profile.slug).copied().ok_or_else(|| {
            let slugs: Vec<&str> = offered.iter().map(|profile| profile.slug.as_str()).collect();
            Error::invalid(format!("user_options.profile: there is no profile {wanted} for you; choose one of {}", slugs.join(", ")))
        }),
    }
}

fn choice<'a>(option: &'a ProfileOption, options: &Map<String, Value>) -> Result<&'a Choice> {
    let found = match options.get(&option.name) {
        None | Some(Value::Null) => option.choices.iter().find(|choice| choice.default).or(option.choices.first()),
        Some(wanted) => option.choices.iter().find(|choice| wanted == &choice.name),
    };
    found.ok_or_else(|| {
        let names: Vec<&str> = option.choices.iter().map(|choice| choice.name.as_str()).collect();
        Error::invalid(format!("user_options.{}: there is no such choice; use one of {}", option.name, names.join(", ")))
    })
}

/// Fails for profiles that cannot be chosen or told apart.
pub(crate) fn check(profiles: &[Profile]) -> Result<()> {
    for profile in profiles {
        plain(&profile.slug, "the slug of a profile")?;
        once(profiles.iter().map(|other| &other.slug), &profile.slug, "profiles")?;
        for option in &profile.options {
            plain(&option.name, &format!("an option of the profile {}", profile.slug))?;
            once(profile.options.iter().map(|other| &other.name), &option.name, &format!("profiles.{}.options", profile.slug))?;
            if option.name == "profile" || option.choices.is_empty() {
                let place = format!("the option {} of the profile {}", option.name, profile.slug);
                return Err(Error::invalid(format!("setting hub.profiles: {place} needs choices, and another name than `profile`")));
            }
            for choice in &option.choices {
                plain(&choice.name, &format!("a choice of {}", option.name))?;
            }
        }
    }
    Ok(())
}

fn plain(name: &str, what: &str) -> Result<()> {
    let fits = !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    if fits {
        Ok(())
    } else {
        Err(Error::invalid(format!("setting hub.profiles: {name:?} is {what}; use 1 to 64 letters, digits and . _ -")))
    }
}

fn once<'a>(names: impl Iterator<Item = &'a String>, name: &str, place: &str) -> Result<()> {
    let count = names.filter(|other| *other == name).count();
    if count > 1 { Err(Error::invalid(format!("setting hub.{place}: {name} is there {count} times"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> Settings {
        let flags: toml::Table = r#"
            [hub]
            memory_mib = 512
            environment = { A = "1", B = "2" }
            [[hub.profiles]]
            slug = "small"
            [[hub.profiles]]
            slug = "large"
            default = true
            overrides = { memory_mib = 4096, environment = { B = "3" } }
            options = [{ name = "gpu", choices = [{ name = "none" }, { name = "one", overrides = { cpus = 2.5, environment = { GPU = "0" } } }] }]
            [[hub.profiles]]
            slug = "staff"
            groups = ["staff"]
            overrides = { command = ["x"] }
        "#
        .parse()
        .unwrap();
        let settings: Settings = artel_platform::config::Config::load(None, &flags).unwrap().section("hub").unwrap();
        settings.check().unwrap();
        settings
    }

    #[test]
    fn a_choice_is_laid_over_its_profile_and_that_over_the_settings() {
        let settings = settings();
        let plan = Plan::chosen(&settings, &[], &json!({})).unwrap();
        assert_eq!((plan.memory_mib, plan.cpus, plan.environment["A"].as_str(), plan.environment["B"].as_str()), (4096, 0.0, "1", "3"));
        let plan = Plan::chosen(&settings, &[], &json!({"profile": "large", "gpu": "one"})).unwrap();
        assert_eq!((plan.memory_mib, plan.cpus, plan.environment["GPU"].as_str()), (4096, 2.5, "0"));
        let plan = Plan::chosen(&settings, &[], &json!({"profile": "small"})).unwrap();
        assert_eq!((plan.memory_mib, plan.environment["B"].as_str()), (512, "2"));
    }

    #[test]
    fn what_is_not_offered_is_refused_by_name() {
        let settings = settings();
        let refused = |options: Value| Plan::chosen(&settings, &[], &options).unwrap_err().message;
        assert!(refused(json!({"profile": "huge"})).contains("user_options.profile"), "{}", refused(json!({"profile": "huge"})));
        assert!(refused(json!({"profile": "staff"})).ends_with("choose one of small, large"), "{}", refused(json!({"profile": "staff"})));
        assert!(refused(json!({"gpu": "two"})).contains("user_options.gpu"));
        assert!(refused(json!({"profile": "small", "gpu": "one"})).contains("user_options.gpu is no option"));
        assert_eq!(Plan::chosen(&settings, &["staff".into()], &json!({"profile": "staff"})).unwrap().command, ["x"]);
    }
}
