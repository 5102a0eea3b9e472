//! What a user may do with one experiment, model or workspace, by the grants of their roles. The words and the rules of
//! precedence are MLflow's (mlflow/server/auth/permissions.py, mlflow/server/auth/requirements.py).

use super::Scopes;
use std::collections::BTreeSet;

/// A level of permission, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Refuses, whatever another role allows.
    Deny,
    /// Nothing is allowed, and nothing is refused.
    NoPermissions,
    /// May look.
    Read,
    /// May look and use.
    Use,
    /// May change.
    Edit,
    /// May delete, and say what others may do.
    Manage,
}

const NAMES: &[(Permission, &str)] = &[
    (Permission::Read, "READ"),
    (Permission::Use, "USE"),
    (Permission::Edit, "EDIT"),
    (Permission::Manage, "MANAGE"),
    (Permission::NoPermissions, "NO_PERMISSIONS"),
    (Permission::Deny, "DENY"),
];

impl Permission {
    /// By its name on the wire.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|row| row.0 == self).map_or("NO_PERMISSIONS", |row| row.1)
    }

    /// Every name, in upstream's order.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|row| row.1)
    }

    /// Is `action` within it?
    pub fn allows(self, action: Action) -> bool {
        match action {
            Action::NotDenied => self != Self::Deny,
            Action::Read => self >= Self::Read,
            Action::Use => self >= Self::Use,
            Action::Update => self >= Self::Edit,
            Action::Delete | Action::Manage => self >= Self::Manage,
        }
    }
}

/// What somebody is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Look.
    Read,
    /// Use, or make something new in a workspace.
    Use,
    /// Change.
    Update,
    /// Delete.
    Delete,
    /// Say what others may do.
    Manage,
    /// Whatever is not refused.
    NotDenied,
}

/// What a grant may be about, in MLflow's words.
pub mod resource {
    /// An experiment, by id.
    pub const EXPERIMENT: &str = "experiment";
    /// A registered model, by name.
    pub const MODEL: &str = "registered_model";
    /// A prompt, by name.
    pub const PROMPT: &str = "prompt";
    /// A whole workspace; the pattern is `*`.
    pub const WORKSPACE: &str = "workspace";
    /// Every run.
    pub const RUN: &str = "run";
    /// Every trace.
    pub const TRACE: &str = "trace";
    /// Every assessment of a trace.
    pub const ASSESSMENT: &str = "assessment";
    /// Every logged model.
    pub const LOGGED_MODEL: &str = "logged_model";
    /// Every version of a registered model.
    pub const MODEL_VERSION: &str = "registered_model_version";
    /// Every version of a prompt.
    pub const PROMPT_VERSION: &str = "prompt_version";
    /// Types of which one may be named.
    pub const NAMED: &[&str] =
        &[EXPERIMENT, "gateway_endpoint", "gateway_model_definition", "gateway_secret", "mcp_server", PROMPT, MODEL, "scorer"];
    /// Types that are granted as a whole.
    pub const WHOLE: &[&str] = &[
        ASSESSMENT,
        LOGGED_MODEL,
        "mcp_server_version",
        PROMPT_VERSION,
        MODEL_VERSION,
        "review_queue",
        RUN,
        "scorer_version",
        TRACE,
        WORKSPACE,
    ];
}

/// One grant of one of the user's roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The role's workspace.
    pub workspace: String,
    /// See [`resource`].
    pub resource_type: String,
    /// An id or name, or `*`.
    pub pattern: String,
    /// How much.
    pub permission: Permission,
}

/// One thing that an operation needs.
#[derive(Debug, Clone)]
pub struct Requirement<'a> {
    /// See [`resource`].
    pub resource_type: &'a str,
    /// An id or name; `*` where the type is granted as a whole.
    pub id: &'a str,
    /// What is about to be done with it.
    pub action: Action,
    /// What decides where no grant is about the resource itself.
    pub else_by: Option<(&'a str, &'a str)>,
}

impl<'a> Requirement<'a> {
    /// `action` on one resource.
    pub fn on(resource_type: &'a str, id: &'a str, action: Action) -> Self {
        Self { resource_type, id, action, else_by: None }
    }

    /// `action` on what lies in a resource: a grant about all such things decides, else the one about the container.
    pub fn within(resource_type: &'a str, action: Action, container: (&'a str, &'a str)) -> Self {
        Self { resource_type, id: "*", action, else_by: Some(container) }
    }
}

/// Everything that was granted to a user.
#[derive(Debug, Clone)]
pub struct Grants {
    /// Where no grant says otherwise; a grant never gives less.
    pub default: Permission,
    /// Whether there are workspaces beside the default one.
    pub workspaces: bool,
    /// Of all of the user's roles.
    pub grants: Vec<Grant>,
}

impl Grants {
    /// May the user do all of this in `workspace`?
    pub fn meet(&self, workspace: &str, requirements: &[Requirement<'_>]) -> bool {
        self.manages(workspace) || requirements.iter().all(|r| self.governing(workspace, r).allows(r.action))
    }

    /// Does the user administer `workspace`? Then nothing is refused there.
    pub fn manages(&self, workspace: &str) -> bool {
        self.fold(workspace, resource::WORKSPACE, "*") == Some(Permission::Manage)
    }

    /// May the user make something of this type in `workspace`?
    pub fn may_create(&self, workspace: &str, resource_type: &str, id: &str) -> bool {
        let member = !self.workspaces
            || match self.fold(workspace, resource::WORKSPACE, "*") {
                Some(permission) => permission.allows(Action::Use),
                None => self.absent(workspace).allows(Action::Use),
            };
        member && self.meet(workspace, &[Requirement::on(resource_type, id, Action::NotDenied)])
    }

    /// The permission that decides about `requirement`.
    pub fn governing(&self, workspace: &str, requirement: &Requirement<'_>) -> Permission {
        if self.manages(workspace) {
            return Permission::Manage;
        }
        let own = self.fold(workspace, requirement.resource_type, requirement.id);
        let found = own.or_else(|| requirement.else_by.and_then(|(kind, id)| self.fold(workspace, kind, id)));
        self.floored(found.unwrap_or_else(|| self.absent(workspace)))
    }

    /// Has the user anything to do with `workspace`?
    pub fn present_in(&self, workspace: &str) -> bool {
        self.absent(workspace) != Permission::NoPermissions || self.grants.iter().any(|g| g.workspace == workspace)
    }

    /// Which resources of a type the user may read.
    pub fn readable(&self, workspace: &str, resource_type: &str) -> Visible {
        if self.manages(workspace) {
            return Visible::All;
        }
        let of_type = |g: &&Grant| g.workspace == workspace && g.resource_type == resource_type;
        let ids: BTreeSet<&str> = self.grants.iter().filter(of_type).map(|g| g.pattern.as_str()).filter(|p| *p != "*").collect();
        let reads = |id| self.governing(workspace, &Requirement::within_workspace(resource_type, id)).allows(Action::Read);
        // no resource is called "*": its answer is that of every one that no grant names
        if reads("*") {
            Visible::except(ids.into_iter().filter(|id| !reads(id)))
        } else {
            Visible::Only(ids.into_iter().filter(|id| reads(id)).map(Into::into).collect())
        }
    }

    /// What the grants about one resource give together; `None` when there is none.
    fn fold(&self, workspace: &str, resource_type: &str, id: &str) -> Option<Permission> {
        let about = |g: &&Grant| g.workspace == workspace && g.resource_type == resource_type && (g.pattern == "*" || g.pattern == id);
        let found = self.grants.iter().filter(about).map(|g| g.permission);
        found.reduce(|a, b| if a == Permission::Deny || b == Permission::Deny { Permission::Deny } else { a.max(b) })
    }

    /// What holds where nothing is granted: in a workspace of which the user is no member, nothing.
    fn absent(&self, workspace: &str) -> Permission {
        if !self.workspaces || workspace == crate::http::DEFAULT_WORKSPACE { self.default } else { Permission::NoPermissions }
    }

    /// A grant never gives less than the default, unless it refuses.
    fn floored(&self, permission: Permission) -> Permission {
        if permission <= Permission::NoPermissions { permission } else { permission.max(self.default) }
    }
}

impl<'a> Requirement<'a> {
    /// Reading one row of a list: membership of the workspace is enough where no grant is about the row.
    fn within_workspace(resource_type: &'a str, id: &'a str) -> Self {
        Self { resource_type, id, action: Action::Read, else_by: Some((resource::WORKSPACE, "*")) }
    }
}

/// Which resources of a type somebody may see.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Visible {
    /// Every one.
    #[default]
    All,
    /// Every one but these.
    Except(Vec<String>),
    /// These.
    Only(Vec<String>),
}

impl Visible {
    fn except<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let ids: Vec<String> = ids.map(Into::into).collect();
        if ids.is_empty() { Self::All } else { Self::Except(ids) }
    }

    /// Is this one among them?
    pub fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::Except(ids) => !ids.iter().any(|i| i == id),
            Self::Only(ids) => ids.iter().any(|i| i == id),
        }
    }

    /// Those of them that `scopes` cover as well; `filter` is the word that names one, e.g. `experiment`.
    pub fn within(self, scopes: &Scopes, scope: &str, filter: &str) -> Self {
        if scopes.has_unfiltered(scope) {
            return self;
        }
        let mark = format!("!{filter}=");
        let named = scopes.iter().filter_map(|text| text.split_once(mark.as_str())).map(|(_, id)| id.to_owned());
        Self::Only(named.filter(|id| scopes.has_for(scope, (filter, id)) && self.has(id)).collect::<BTreeSet<_>>().into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(default: Permission, rows: &[(&str, &str, Permission)]) -> Grants {
        let grant = |(kind, pattern, permission): &(&str, &str, Permission)| Grant {
            workspace: "default".into(),
            resource_type: (*kind).into(),
            pattern: (*pattern).into(),
            permission: *permission,
        };
        Grants { default, workspaces: false, grants: rows.iter().map(grant).collect() }
    }

    fn may(grants: &Grants, kind: &str, id: &str, action: Action) -> bool {
        grants.meet("default", &[Requirement::on(kind, id, action)])
    }

    #[test]
    fn each_level_contains_the_one_below() {
        let levels = [Permission::Read, Permission::Use, Permission::Edit, Permission::Manage];
        let actions = [Action::Read, Action::Use, Action::Update, Action::Delete];
        for (i, level) in levels.iter().enumerate() {
            for (j, action) in actions.iter().enumerate() {
                assert_eq!(level.allows(*action), j <= i, "{level:?} {action:?}");
            }
            assert_eq!(Permission::parse(level.name()), Some(*level));
        }
        assert!(!Permission::Deny.allows(Action::NotDenied) && Permission::NoPermissions.allows(Action::NotDenied));
    }

    #[test]
    fn the_default_is_a_floor_and_a_refusal_beats_every_grant() {
        let held = grants(Permission::Edit, &[("experiment", "1", Permission::Read), ("experiment", "2", Permission::Manage)]);
        assert!(may(&held, "experiment", "1", Action::Update) && !may(&held, "experiment", "1", Action::Delete));
        assert!(may(&held, "experiment", "2", Action::Delete) && may(&held, "experiment", "3", Action::Update));
        let held = grants(Permission::Manage, &[("experiment", "*", Permission::Manage), ("experiment", "1", Permission::Deny)]);
        assert!(!may(&held, "experiment", "1", Action::Read) && may(&held, "experiment", "2", Action::Delete));
        assert_eq!(held.readable("default", "experiment"), Visible::Except(vec!["1".into()]));
        assert_eq!(held.readable("default", "prompt"), Visible::All);
    }

    #[test]
    fn what_lies_in_a_container_goes_by_its_own_grant_first() {
        let held = grants(Permission::NoPermissions, &[("run", "*", Permission::Read), ("experiment", "1", Permission::Manage)]);
        let in_one = |kind, action| held.meet("default", &[Requirement::within(kind, action, ("experiment", "1"))]);
        assert!(in_one("run", Action::Read) && !in_one("run", Action::Update), "the narrower grant decides");
        assert!(in_one("trace", Action::Delete), "no grant is about traces");
        assert_eq!(held.readable("default", "experiment"), Visible::Only(vec!["1".into()]));
    }

    #[test]
    fn a_workspace_is_closed_to_those_who_are_no_members() {
        let mut held = grants(Permission::Manage, &[]);
        held.workspaces = true;
        assert!(held.may_create("default", "experiment", "*") && !held.may_create("team", "experiment", "*"));
        assert_eq!(held.readable("team", "experiment"), Visible::Only(vec![]));
        assert!(!held.present_in("team"));
        held.grants.push(Grant {
            workspace: "team".into(),
            resource_type: "workspace".into(),
            pattern: "*".into(),
            permission: Permission::Use,
        });
        assert!(held.may_create("team", "experiment", "*") && !held.manages("team") && held.present_in("team"));
        assert_eq!(held.readable("team", "experiment"), Visible::All);
        assert!(!held.meet("team", &[Requirement::on("experiment", "5", Action::Read)]), "membership alone opens no experiment");
        held.grants[0].permission = Permission::Manage;
        held.grants.push(Grant {
            workspace: "team".into(),
            resource_type: "experiment".into(),
            pattern: "5".into(),
            permission: Permission::Deny,
        });
        assert!(held.meet("team", &[Requirement::on("experiment", "5", Action::Delete)]), "its administrator is never refused");
    }

    #[test]
    fn a_token_for_one_experiment_sees_that_one() {
        let scopes = Scopes::from_iter(["experiments!experiment=1", "read:experiments!experiment=2"]);
        let see = |visible: Visible, scope| visible.within(&scopes, scope, "experiment");
        assert_eq!(see(Visible::All, "read:experiments"), Visible::Only(vec!["1".into(), "2".into()]));
        assert_eq!(see(Visible::Except(vec!["1".into()]), "read:experiments"), Visible::Only(vec!["2".into()]));
        assert_eq!(see(Visible::All, "experiments"), Visible::Only(vec!["1".into()]));
    }
}
