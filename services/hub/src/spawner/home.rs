//! Users' home folders.

use super::environment::fill;
use super::make_folder;
use artel_platform::{Error, Result, ResultExt};
use std::fs;
use std::path::{Path, PathBuf};

/// Where homes are, and what a new one holds.
pub(crate) struct Homes {
    data: PathBuf,
    /// Path with `{username}` in it.
    template: String,
    /// Folder whose content a new home gets.
    skeleton: Option<PathBuf>,
}

impl Homes {
    pub(crate) fn new(data: &Path, template: &str, skeleton: &str) -> Self {
        Self { data: data.to_owned(), template: template.into(), skeleton: (!skeleton.is_empty()).then(|| data.join(skeleton)) }
    }

    /// Fails for a template by which users would share their homes.
    pub(crate) fn check(template: &str) -> Result<()> {
        if template.contains("{username}") {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "setting hub.home: {template:?} must have {{username}} in it, so that everybody has a home of their own"
        )))
    }

    /// The home of `user`, whether it is there or not.
    pub(crate) fn of(&self, user: &str) -> PathBuf {
        self.data.join(fill(&self.template, user, "", &self.data))
    }

    /// The home of `user`, made where it is not there.
    pub(crate) fn ensure(&self, user: &str) -> Result<PathBuf> {
        let home = self.of(user);
        if home.exists() {
            return Ok(home);
        }
        let Some(skeleton) = &self.skeleton else {
            make_folder(&home)?;
            return Ok(home);
        };
        // whole or not at all: a home that is there is never filled again
        let partial = home.with_file_name(format!(".{user}.new"));
        let failed = format!("cannot copy hub.home_skeleton {} to {}", skeleton.display(), home.display());
        let _ = fs::remove_dir_all(&partial);
        make_folder(&partial)?;
        copy(skeleton, &partial).or_internal(&failed)?;
        match fs::rename(&partial, &home) {
            // another server of the same user was faster
            Err(_) if home.exists() => fs::remove_dir_all(&partial).or_internal(&failed)?,
            moved => moved.or_internal(&failed)?,
        }
        Ok(home)
    }

    /// Moves a user's home, where they have one. `FAILED_PRECONDITION` when somebody has left one of the new name.
    pub(crate) fn rename(&self, user: &str, new: &str) -> Result<()> {
        let (from, to) = (self.of(user), self.of(new));
        if !from.exists() {
            return Ok(());
        }
        if to.exists() {
            return Err(Error::conflict(format!("there is a home folder of {new} already; move {} away", to.display())));
        }
        fs::rename(&from, &to).or_internal(&format!("cannot move the home folder {}", from.display()))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir(&target)?;
            copy(&source, &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else {
            fs::copy(&source, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_home_has_the_skeletons_content_and_an_old_one_is_left_alone() {
        let data = std::env::temp_dir().join(format!("artel-homes-{}", std::process::id()));
        fs::create_dir_all(data.join("skel/course")).unwrap();
        fs::write(data.join("skel/course/README"), "hello").unwrap();
        let homes = Homes::new(&data, "people/{username}", "skel");
        let home = homes.ensure("ada").unwrap();
        assert_eq!(home, data.join("people/ada"));
        assert_eq!(fs::read_to_string(home.join("course/README")).unwrap(), "hello");
        fs::write(home.join("course/README"), "mine").unwrap();
        homes.ensure("ada").unwrap();
        assert_eq!(fs::read_to_string(home.join("course/README")).unwrap(), "mine");
        homes.rename("ada", "lovelace").unwrap();
        assert!(homes.of("lovelace").join("course").exists() && !home.exists());
        homes.ensure("bob").unwrap();
        assert!(homes.rename("bob", "lovelace").unwrap_err().message.contains("move"));
        assert!(Homes::check("homes/all").is_err());
        fs::remove_dir_all(&data).unwrap();
    }
}
