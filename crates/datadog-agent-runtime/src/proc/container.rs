//! Finds the container that a process runs in, from the names of its control groups.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::read_capped;

/// The inode of the control group namespace of a host, the same on every Linux.
const HOST_NAMESPACE: u64 = 0xEFFF_FFFB;

/// A process, as `/proc` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    /// This one.
    Own,
    /// The one with this id, such as the client of a socket.
    Id(u32),
}

/// The id of the container that a process runs in; `None` outside of one, and where its groups do not tell.
///
/// # Errors
/// Those of reading the list of control groups, for instance of a process that has ended.
pub fn id(root: &Path, process: Process) -> io::Result<Option<String>> {
    let text = read_capped(&directory(root, process).join("cgroup"))?;
    Ok(id_in(&text).map(str::to_owned))
}

/// Control groups that are looked at to find containers, and how deep they may be within one another.
const MAX_GROUPS: usize = 20_000;
const MAX_GROUP_DEPTH: usize = 16;

/// The containers of this host by the inodes of their control groups, as far as this process sees them: `in-` in
/// [`entity_id`] of another process stands for one of these.
///
/// Walks the directories of groups, of which there may be thousands; not for every request. Groups that cannot be read
/// are left out.
#[must_use]
pub fn ids_by_inode(root: &Path) -> HashMap<u64, String> {
    let mount = root.join("sys/fs/cgroup");
    // The group that counts memory, which is the only one in version 2.
    let memory = mount.join("memory");
    let top = if memory.is_dir() { memory } else { mount };
    let mut found = HashMap::new();
    let mut seen = 0;
    let mut left = vec![(top, 0)];
    while let Some((directory, depth)) = left.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            // Links are none, and could lead around.
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            seen += 1;
            if seen > MAX_GROUPS {
                return found;
            }
            let path = entry.path();
            if let (Some(id), Ok(metadata)) = (path.to_str().and_then(id_in_path), entry.metadata())
            {
                found.insert(metadata.ino(), id.to_owned());
            }
            if depth < MAX_GROUP_DEPTH {
                left.push((path, depth + 1));
            }
        }
    }
    found
}

/// What tells this process from others in Datadog's terms: `ci-` with its container's id, else `in-` with the inode of
/// its control group; `None` in the control group namespace of a host, where that inode says nothing.
///
/// # Errors
/// Those of reading the list of control groups.
pub fn entity_id(root: &Path) -> io::Result<Option<String>> {
    let own = directory(root, Process::Own);
    let groups = read_capped(&own.join("cgroup"))?;
    let namespace = fs::metadata(own.join("ns/cgroup")).map(|found| found.ino());
    let group = group_inode(root, &groups);
    Ok(entity(id_in(&groups), namespace.ok(), group))
}

fn entity(container: Option<&str>, namespace: Option<u64>, group: Option<u64>) -> Option<String> {
    if let Some(id) = container {
        return Some(format!("ci-{id}"));
    }
    if namespace == Some(HOST_NAMESPACE) {
        return None;
    }
    group.map(|inode| format!("in-{inode}"))
}

fn directory(root: &Path, process: Process) -> std::path::PathBuf {
    match process {
        Process::Own => root.join("proc/self"),
        Process::Id(id) => root.join(format!("proc/{id}")),
    }
}

/// The inode of the group that counts memory, which is the only one in version 2 of control groups.
fn group_inode(root: &Path, groups: &str) -> Option<u64> {
    let mount = root.join("sys/fs/cgroup");
    ["memory", ""].into_iter().find_map(|controller| {
        let (_, path) = groups
            .lines()
            .filter_map(split)
            .find(|(controllers, _)| controllers.split(',').any(|name| name == controller))?;
        let node = mount.join(controller).join(path.trim_start_matches('/'));
        fs::metadata(node).ok().map(|found| found.ino())
    })
}

/// Splits `13:name=systemd:/path` into controllers and path.
fn split(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (numbered && !path.is_empty()).then_some((controllers, path))
}

/// The container id in a list of control groups.
fn id_in(groups: &str) -> Option<&str> {
    groups
        .lines()
        .filter_map(split)
        .find_map(|(_, path)| id_in_path(path.trim_end_matches(' ')))
}

/// The id at the end of a path, or of its last element but one where that is a systemd scope.
fn id_in_path(path: &str) -> Option<&str> {
    let (parents, last) = path.rsplit_once('/').unwrap_or(("", path));
    let id = id_at_end(last.strip_suffix(".scope").unwrap_or(last));
    id.or_else(|| id_at_end(parents.strip_suffix(".scope")?))
}

fn id_at_end(text: &str) -> Option<&str> {
    const UUID: &[usize] = &[8, 4, 4, 4, 12];
    const CLOUD_FOUNDRY: &[usize] = &[8, 4, 4, 4, 4];
    groups_at_end(text, UUID, b"-_")
        .or_else(|| groups_at_end(text, &[64], b""))
        .or_else(|| ecs_task_at_end(text))
        .or_else(|| groups_at_end(text, CLOUD_FOUNDRY, b"-"))
}

/// Groups of hexadecimal digits with one of `separators` between them.
fn groups_at_end<'a>(text: &'a str, lengths: &[usize], separators: &[u8]) -> Option<&'a str> {
    let length = lengths.iter().sum::<usize>() + lengths.len() - 1;
    let candidate = text.get(text.len().checked_sub(length)?..)?;
    let mut bytes = candidate.bytes();
    for (index, group) in lengths.iter().enumerate() {
        let separated = index == 0 || separators.contains(&bytes.next()?);
        if !separated || !bytes.by_ref().take(*group).all(is_hex) {
            return None;
        }
    }
    Some(candidate)
}

/// 32 hexadecimal digits, a hyphen and a number.
fn ecs_task_at_end(text: &str) -> Option<&str> {
    let (task, number) = text.rsplit_once('-')?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let start = task.len().checked_sub(32)?;
    let hex = task.get(start..)?.bytes().all(is_hex);
    if hex { text.get(start..) } else { None }
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;

    const ID: &str = "3726184226f5d3147c25fdeab5b60097e378e8a720503a5e19ecfdf29f869860";
    const TASK: &str = "8cd79a803caf4d2aa945152e934a5c00";
    const UUID: &str = "34dc0b5e-626f-2c5c-4c51-70e34b10e765";

    #[track_caller]
    fn check(groups: &str, expected: &str) {
        assert_eq!(id_in(groups), Some(expected).filter(|id| !id.is_empty()));
    }

    #[test]
    fn docker_names_the_group_by_the_id() {
        check(&format!("13:name=systemd:/docker/{ID}"), ID);
        check(&format!("13:name=systemd:/docker/{ID}  "), ID);
    }

    #[test]
    fn ecs_names_the_group_by_task_and_number() {
        check(
            &format!("1:name=systemd:/ecs/{TASK}/{TASK}-1053176469"),
            &format!("{TASK}-1053176469"),
        );
        check(&format!("1:name=systemd:/ecs/{TASK}"), "");
        check(&format!("1:name=systemd:/ecs/{TASK}-12a"), "");
    }

    #[test]
    fn systemd_wraps_the_id_in_a_scope() {
        check(&format!("1:memory:/system.slice/docker-{ID}.scope"), ID);
        check(&format!("0::/kubepods.slice/cri-containerd-{ID}.scope"), ID);
        check(&format!("0::/kubepods.slice/crio-{ID}.scope/container"), ID);
        check(&format!("0::/kubepods.slice/{ID}/container"), "");
        check(&format!("0::/kubepods.slice/crio-{ID}.scope/a/b"), "");
    }

    #[test]
    fn garden_and_fargate_name_the_group_by_a_uuid() {
        check(&format!("1:name=systemd:/{UUID}"), UUID);
        let underscores = UUID.replace('-', "_");
        check(&format!("1:name=systemd:/pod/{underscores}"), &underscores);
        let cloud_foundry = "6f265890-5165-7fab-6b52-18d1";
        check(&format!("1:name=systemd:/{cloud_foundry}"), cloud_foundry);
    }

    #[test]
    fn first_line_that_tells_wins() {
        let groups = format!("nonsense\n12:cpu:/\n11:memory:/docker/{ID}\n1:cpu:/{UUID}\n");
        check(&groups, ID);
    }

    #[test]
    fn other_groups_tell_nothing() {
        for groups in [
            "0::/",
            "0::/user.slice/user-1000.slice/session-3.scope",
            "x:memory:/docker/",
            "",
        ] {
            check(groups, "");
        }
        check(&format!("a:memory:/docker/{ID}"), "");
        check(&format!("1:memory:/docker/{}", ID.to_uppercase()), "");
        check(&format!("1:memory:/docker/é{}", "a".repeat(62)), "");
    }

    fn root_with(groups: &str) -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("proc/self");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("cgroup"), groups).unwrap();
        let mount = root.path().join("sys/fs/cgroup");
        fs::create_dir_all(&mount).unwrap();
        (root, mount)
    }

    #[test]
    fn containers_are_found_by_the_inodes_of_their_groups() {
        let (root, mount) = root_with("0::/");
        let scope = mount.join(format!("kubepods.slice/cri-containerd-{ID}.scope"));
        let inner = scope.join("init");
        fs::create_dir_all(&inner).unwrap();
        fs::create_dir_all(mount.join("user.slice/session-3.scope")).unwrap();
        let ids = ids_by_inode(root.path());
        let of = |path: &Path| ids.get(&fs::metadata(path).unwrap().ino()).cloned();
        assert_eq!(of(&scope).as_deref(), Some(ID));
        assert_eq!(of(&inner).as_deref(), Some(ID));
        assert_eq!(ids.len(), 2);
        assert_eq!(ids_by_inode(Path::new("/nowhere")), HashMap::new());
    }

    #[test]
    fn older_control_groups_are_found_by_those_that_count_memory() {
        let (root, mount) = root_with("");
        let docker = mount.join(format!("memory/docker/{ID}"));
        fs::create_dir_all(&docker).unwrap();
        fs::create_dir_all(mount.join(format!("cpu/docker/{ID}"))).unwrap();
        let inode = fs::metadata(&docker).unwrap().ino();
        let expected = HashMap::from([(inode, ID.to_owned())]);
        assert_eq!(ids_by_inode(root.path()), expected);
    }

    fn inode(path: &Path) -> String {
        format!("in-{}", fs::metadata(path).unwrap().ino())
    }

    #[test]
    fn entity_is_the_container_where_it_is_known() {
        let (root, _) = root_with(&format!("0::/docker/{ID}"));
        let entity = entity_id(root.path()).unwrap();
        assert_eq!(entity, Some(format!("ci-{ID}")));
        let other = root.path().join("proc/42");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("cgroup"), format!("0::/{UUID}")).unwrap();
        assert_eq!(
            id(root.path(), Process::Id(42)).unwrap().as_deref(),
            Some(UUID)
        );
        assert_eq!(id(root.path(), Process::Own).unwrap().as_deref(), Some(ID));
    }

    #[test]
    fn entity_is_the_inode_of_the_group_where_it_is_not() {
        let (root, mount) = root_with("0::/");
        assert_eq!(entity_id(root.path()).unwrap(), Some(inode(&mount)));
    }

    #[test]
    fn group_says_nothing_in_the_namespace_of_a_host() {
        assert_eq!(entity(None, Some(0xEFFF_FFFB), Some(7)), None);
        assert_eq!(
            entity(None, Some(0xEFFF_FFFA), Some(7)).as_deref(),
            Some("in-7")
        );
        assert_eq!(
            entity(Some("a"), Some(0xEFFF_FFFB), None).as_deref(),
            Some("ci-a")
        );
    }

    #[test]
    fn memory_group_of_version_1_goes_before_the_one_of_version_2() {
        let (root, mount) = root_with("4:cpu:/x\n3:hugetlb,memory:/app\n0::/\n");
        assert_eq!(entity_id(root.path()).unwrap(), Some(inode(&mount)));
        fs::create_dir_all(mount.join("memory/app")).unwrap();
        assert_eq!(
            entity_id(root.path()).unwrap(),
            Some(inode(&mount.join("memory/app")))
        );
    }

    #[test]
    fn process_that_is_gone_is_an_error() {
        let (root, _) = root_with("0::/");
        let error = id(root.path(), Process::Id(7)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    proptest! {
        #[test]
        fn no_list_of_groups_makes_it_panic(groups in "([0-9]:[a-z]*:)?[/0-9a-f_.é-]{0,90}") {
            id_in(&groups);
        }

        #[test]
        fn id_is_found_behind_any_prefix(prefix in "[/a-z.-]{0,40}", id in "[0-9a-f]{64}") {
            let groups = format!("0::/{prefix}-{id}.scope");
            prop_assert_eq!(id_in(&groups), Some(id.as_str()));
        }
    }
}
