# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of Ansible's own and of those of its plugins that a run of ours goes through: what it can do to it.

A setting that a newer Ansible brings has no row, and fails a test until somebody has thought about it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible import constants as C
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import become_loader, connection_loader, get_all_plugin_loaders, shell_loader

#: Settings that cannot touch a run, by the reason. ``X*`` are all that begin so.
NEVER: dict[str, list[str]] = {
    "colours and cows": ["COLOR_*", "ANSIBLE_COW_*", "ANSIBLE_NOCOWS", "ANSIBLE_NOCOLOR", "ANSIBLE_FORCE_COLOR"],
    "ansible-galaxy": ["GALAXY_*"],
    "ansible-doc": ["DOCSITE_ROOT_URL", "DOC_FRAGMENT_PLUGIN_PATH", "PAGER", "_MODULE_METADATA"],
    "ansible, the command for one task": [
        "DEFAULT_LOAD_CALLBACK_PLUGINS", "DEFAULT_MODULE_ARGS", "DEFAULT_MODULE_NAME", "PLAYBOOK_DIR"],
    "ansible-inventory": ["INVENTORY_EXPORT"],
    "a plugin's option that Ansible's own settings have, too, with a row": [
        "host_group_vars._valid_extensions", "yaml.yaml_extensions", "jsonfile._*", "local.pipelining",
        "default.display_skipped_hosts", "default.show_custom_stats"],
    "ansible-vault": ["DEFAULT_VAULT_ENCRYPT_IDENTITY", "EDITOR", "VAULT_ENCRYPT_SALT"],
    "network devices": [
        "ANSIBLE_CONNECTION_PATH", "CONNECTION_FACTS_MODULES", "DEFAULT_CLICONF_PLUGIN_PATH",
        "DEFAULT_HTTPAPI_PLUGIN_PATH", "DEFAULT_NETCONF_PLUGIN_PATH", "DEFAULT_TERMINAL_PLUGIN_PATH",
        "NETCONF_SSH_CONFIG", "NETWORK_GROUP_MODULES", "PERSISTENT_*", "USE_PERSISTENT_CONNECTIONS",
        "_ANSIBLE_CONNECTION_PATH"],
    "paramiko, which is refused as no-pipelining": ["PARAMIKO_*"],
    "Windows and libvirt": ["WIN_ASYNC_STARTUP_TIMEOUT", "DEFAULT_LIBVIRT_LXC_NOSECLABEL"],
    "tasks in the background, of which there are none": ["DEFAULT_POLL_INTERVAL", "sh.async_dir"],
    "Ansible's own tests and debuggers": [
        "COVERAGE_REMOTE_*", "_ANSIBALLZ_*", "_Z_TEST_*", "_CALLBACK_DISPATCH_ERROR_BEHAVIOR", "_TEMPLAR_*"],
    "names the file that is read": ["CONFIG_FILE"],
    "read by nothing any more": ["DEFAULT_SU", "DEFAULT_ALLOW_UNSAFE_LOOKUPS"],
    "SELinux on file systems that no play writes to": ["DEFAULT_SELINUX_SPECIAL_FS"],
    "becoming another user than root": ["sh.admin_users", "sh.common_remote_group", "sh.world_readable_temp"],
}  # fmt: skip

#: Whom to log in to, with what, and where a user's own files lie: another value is another wish, and not another way
#: for the same run. What is wrong with it is said by Ansible before the first task, or by SSH of a host that is named.
WISHES: dict[str, list[str]] = {
    "which hosts and variables there are": [
        "DEFAULT_HOST_LIST", "DEFAULT_INVENTORY_PLUGIN_PATH", "DEFAULT_VARS_PLUGIN_PATH", "INVENTORY_IGNORE_*",
        "YAML_FILENAME_EXTENSIONS"],
    "who logs in, and with what": [
        "CONNECTION_PASSWORD_FILE", "DEFAULT_ASK_PASS", "DEFAULT_PRIVATE_KEY_FILE", "DEFAULT_REMOTE_PORT",
        "DEFAULT_REMOTE_USER", "ssh.host", "ssh.password", "ssh.pkcs11_provider", "ssh.port", "ssh.private_key",
        "ssh.private_key_file", "ssh.private_key_passphrase", "ssh.remote_user", "ssh.sshpass_prompt"],
    "which Python is looked for": ["INTERPRETER_PYTHON_FALLBACK"],
    "sudo's password": ["BECOME_PASSWORD_FILE", "DEFAULT_BECOME_ASK_PASS", "sudo.become_pass"],
    "which vaults are opened": [
        "DEFAULT_ASK_VAULT_PASS", "DEFAULT_VAULT_IDENTITY", "DEFAULT_VAULT_IDENTITY_LIST", "DEFAULT_VAULT_ID_MATCH",
        "DEFAULT_VAULT_PASSWORD_FILE"],
    "where programs and plugins are found, this collection among them": [
        "BECOME_PLUGIN_PATH", "COLLECTIONS_PATHS", "COLLECTIONS_SCAN_SYS_PATH", "DEFAULT_ACTION_PLUGIN_PATH",
        "DEFAULT_BECOME_EXE", "DEFAULT_CACHE_PLUGIN_PATH", "DEFAULT_CALLBACK_PLUGIN_PATH",
        "DEFAULT_CONNECTION_PLUGIN_PATH", "DEFAULT_FILTER_PLUGIN_PATH", "DEFAULT_LOOKUP_PLUGIN_PATH",
        "DEFAULT_MODULE_PATH", "DEFAULT_MODULE_UTILS_PATH", "DEFAULT_ROLES_PATH", "DEFAULT_STRATEGY_PLUGIN_PATH",
        "DEFAULT_TEST_PLUGIN_PATH", "PLUGIN_FILTERS_CFG", "SSH_AGENT_EXECUTABLE", "ssh.scp_executable",
        "ssh.sftp_executable", "ssh.ssh_executable", "sudo.become_exe"],
}  # fmt: skip

#: Other values under which a run is the same: the play says it for itself, or nothing of ours depends on it.
#: ``{folder}`` is the run's own folder.
SAME: dict[str, list[str]] = {
    "ACTION_WARNINGS": ["false"],
    "AGNOSTIC_BECOME_PROMPT": ["false"],
    "ALLOW_BROKEN_CONDITIONALS": ["true"],
    "ALLOW_EMBEDDED_TEMPLATES": ["false"],
    "ANSIBLE_HOME": ["{folder}/home"],
    "ANSIBLE_PIPELINING": ["true", "false"],
    "ANY_ERRORS_FATAL": ["true"],
    "CACHE_PLUGIN": ["memory", "jsonfile"],
    "CACHE_PLUGIN_CONNECTION": ["{folder}/other-facts"],
    "CACHE_PLUGIN_PREFIX": ["theirs_"],
    "CACHE_PLUGIN_TIMEOUT": ["1"],
    "CALLBACKS_ENABLED": ["praxis_results,ansible.posix.profile_tasks,ansible.posix.timer,community.general.log_plays"],
    "COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH": ["error", "ignore"],
    "DEFAULT_BECOME": ["true"],
    "DEFAULT_BECOME_FLAGS": ["-H -S"],
    "DEFAULT_BECOME_USER": ["nobody"],
    "DEFAULT_EXECUTABLE": ["/bin/bash"],
    "DEFAULT_FORCE_HANDLERS": ["true"],
    "DEFAULT_FORKS": ["1"],
    "DEFAULT_GATHERING": ["smart", "explicit"],
    "DEFAULT_HASH_BEHAVIOUR": ["merge"],
    "DEFAULT_INTERNAL_POLL_INTERVAL": ["0.05"],
    "DEFAULT_JINJA2_EXTENSIONS": ["jinja2.ext.do"],
    "DEFAULT_JINJA2_NATIVE": ["false"],
    "DEFAULT_LOCAL_TMP": ["{folder}/local tmp"],
    "DEFAULT_LOG_FILTER": ["root"],
    "DEFAULT_LOG_PATH": ["{folder}/other-log"],
    "DEFAULT_MANAGED_STR": ["theirs"],
    "DEFAULT_MODULE_COMPRESSION": ["ZIP_STORED"],
    "DEFAULT_NO_LOG": ["true"],
    "DEFAULT_NO_TARGET_SYSLOG": ["true"],
    "DEFAULT_NULL_REPRESENTATION": [""],
    "DEFAULT_PRIVATE_ROLE_VARS": ["true"],
    "DEFAULT_STDOUT_CALLBACK": ["minimal", "oneline", "ansible.posix.json", "community.general.null"],
    "DEFAULT_STRATEGY": ["free", "host_pinned"],
    "DEFAULT_SYSLOG_FACILITY": ["LOG_LOCAL0"],
    "DEFAULT_TIMEOUT": ["3"],
    "DEFAULT_UNDEFINED_VAR_BEHAVIOR": ["false"],
    "DEFAULT_VERBOSITY": ["5"],
    "DEPRECATION_WARNINGS": ["false"],
    "DEVEL_WARNING": ["false"],
    "DIFF_ALWAYS": ["true"],
    "DIFF_CONTEXT": ["0"],
    "DISPLAY_ARGS_TO_STDOUT": ["true"],
    "DISPLAY_SKIPPED_HOSTS": ["false"],
    "DISPLAY_TRACEBACK": ["always"],
    "DUPLICATE_YAML_DICT_KEY": ["error", "ignore"],
    "ENABLE_TASK_DEBUGGER": ["true"],
    "ERROR_ON_MISSING_HANDLER": ["false"],
    "FACTS_MODULES": ["ansible.builtin.package_facts"],
    "HOST_KEY_CHECKING": ["false"],
    "INJECT_FACTS_AS_VARS": ["false"],
    "INJECT_INVOCATION": ["false"],
    "INTERPRETER_PYTHON": ["auto_silent", "auto_legacy"],
    "INVALID_TASK_ATTRIBUTE_FAILED": ["false"],
    "INVENTORY_ANY_UNPARSED_IS_FAILED": ["true"],
    "INVENTORY_UNPARSED_IS_FAILED": ["true"],
    "INVENTORY_UNPARSED_WARNING": ["false"],
    "LOCALHOST_WARNING": ["false"],
    "LOG_VERBOSITY": ["5"],
    "MAX_FILE_SIZE_FOR_DIFF": ["1"],
    "MODULE_IGNORE_EXTS": [".theirs"],
    "MODULE_STRICT_UTF8_RESPONSE": ["false"],
    "OLD_PLUGIN_CACHE_CLEARING": ["true"],
    "PLAYBOOK_VARS_ROOT": ["all", "bottom"],
    "PYTHON_MODULE_RLIMIT_NOFILE": ["64"],
    "RETRY_FILES_ENABLED": ["true"],
    "RETRY_FILES_SAVE_PATH": ["{folder}/retry"],
    "RUN_VARS_PLUGINS": ["start"],
    "SHOW_CUSTOM_STATS": ["true"],
    "STRING_TYPE_FILTERS": ["string"],
    "SYSTEM_WARNINGS": ["false"],
    "TARGET_LOG_INFO": ["praxis"],
    "TASK_DEBUGGER_IGNORE_ERRORS": ["false"],
    "TASK_TIMEOUT": ["60"],
    "TRANSFORM_INVALID_GROUP_CHARS": ["always", "ignore", "silently"],
    "VALIDATE_ACTION_GROUP_METADATA": ["false"],
    "VARIABLE_PLUGINS_ENABLED": [""],
    "VARIABLE_PRECEDENCE": ["all_inventory"],
    "VERBOSE_TO_STDERR": ["true"],
    "WORKER_SESSION_ISOLATION": ["false"],
    "WORKER_SHUTDOWN_POLL_COUNT": ["10"],
    "WORKER_SHUTDOWN_POLL_DELAY": ["0.2"],
    "constructed.use_extra_vars": ["true"],
    "default.check_mode_markers": ["true"],
    "default.display_failed_stderr": ["true"],
    "default.display_included_hosts": ["false"],
    "default.display_ok_hosts": ["false"],
    "default.pretty_results": ["true"],
    "default.result_format": ["yaml"],
    "default.result_indentation": ["2"],
    "default.result_yaml_line_width": ["unlimited"],
    "default.show_per_host_start": ["true"],
    "default.show_task_path_on_failure": ["true"],
    "host_group_vars.stage": ["inventory", "task"],
    "script.always_show_stderr": ["false"],
}  # fmt: skip

#: The same of the connection, of sudo and of the shell; tried on machines.
SAME_THERE: dict[str, list[str]] = {
    "BECOME_ALLOW_SAME_USER": ["true"],
    "SSH_AGENT": ["auto"],
    "SSH_AGENT_KEY_LIFETIME": ["60"],
    "ssh.control_path": ["%(directory)s/%%h-%%p-%%r"],
    "ssh.control_path_dir": ["{folder}/cp"],
    "ssh.host_key_checking": ["false"],
    "ssh.password_mechanism": ["disable"],
    "ssh.pipelining": ["false"],
    "ssh.reconnection_retries": ["3"],
    "ssh.scp_extra_args": ["-v"],
    "ssh.sftp_batch_mode": ["false"],
    "ssh.sftp_extra_args": ["-v"],
    "ssh.ssh_args": ["", "-o ControlMaster=no"],
    "ssh.ssh_common_args": ["-o LogLevel=DEBUG"],
    "ssh.ssh_extra_args": ["-v"],
    "ssh.ssh_transfer_method": ["piped", "scp", "sftp"],
    "ssh.timeout": ["3"],
    "ssh.use_tty": ["false"],
    "ssh.verbosity": ["3"],
    "sudo.become_flags": ["-H -S", "-E -H -S -n"],
    "sudo.become_user": ["nobody"],
    "sudo.sudo_chdir": ["/tmp"],
    "sh.remote_tmp": ["/tmp/theirs"],
    "sh.system_tmpdirs": ["/var/tmp"],
}

#: Refused: a value, and the code of the finding, or words.
REFUSED: dict[str, tuple[str, str]] = {
    "DEFAULT_BECOME_METHOD": ("su", "no-pipelining"),
    "DEFAULT_DEBUG": ("true", "ansible-debug"),
    "DEFAULT_KEEP_REMOTE_FILES": ("true", "no-pipelining"),
    "HOST_PATTERN_MISMATCH": ("error", "ansible-setting"),
    "DEFAULT_TRANSPORT": ("local", "ansible-setting"),
    "INVENTORY_ENABLED": ("ini", "empty-fleet"),
    "TAGS_RUN": ("theirs", "--tags theirs"),
    "TAGS_SKIP": ("theirs", "--skip-tags theirs"),
}


#: Plugins on the controller's side that a run goes through, or may, by their kind.
ON_THE_CONTROLLER = {
    "local": "connection",
    "default": "callback",
    "jsonfile": "cache",
    "host_group_vars": "vars",
    "constructed": "inventory",
    "script": "inventory",
    "yaml": "inventory",
}


@functools.cache
def known() -> dict[str, dict[str, Any]]:
    """What defines each setting of this Ansible: where it is read from."""
    found: dict[str, dict[str, Any]] = dict(C.config.get_configuration_definitions(ignore_private=False))
    plugins = {
        "ssh": connection_loader.get("ssh", PlayContext(), "/dev/null"),
        "sudo": become_loader.get("sudo"),
        "sh": shell_loader.get("sh"),
    }
    for kind, plugin in plugins.items():
        found |= {f"{kind}.{name}": definition for name, definition in plugin.option_definitions.items()}
    loaders = {loader.subdir.removesuffix("_plugins"): loader for _name, loader in get_all_plugin_loaders()}
    for name, kind in ON_THE_CONTROLLER.items():
        # Of vars plugins the loader keeps what it has given, and would give the class where an object is needed.
        assert loaders[kind].get(f"ansible.builtin.{name}", class_only=kind != "vars")
        options = C.config.get_configuration_definitions(plugin_type=kind, name=name).items()
        found |= {f"{name}.{option}": of for option, of in options if of.get("env") or of.get("ini")}
    return found


def exported(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment that holds these settings, of those that can stand in one."""
    return {known()[name]["env"][-1]["name"]: value for name, value in settings.items() if known()[name].get("env")}


def configured(settings: Mapping[str, str]) -> str:
    """The ``ansible.cfg`` that holds the others."""
    sections: dict[str, list[str]] = {}
    for name, value in settings.items():
        if not known()[name].get("env"):
            key = known()[name]["ini"][0]
            sections.setdefault(key["section"], []).append(f"{key['key']} = {value}")
    return "".join("[%s]\n%s\n" % (section, "\n".join(lines)) for section, lines in sections.items())
