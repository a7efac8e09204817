"""What a case of suricata-verify sets, in Lockstep's words."""
import json
import shlex
from dataclasses import dataclass, field

import yaml

from program import shared

# Suricata's default configuration, in force where a case has no variables of its own.
DEFAULT_ADDRESSES = {"HOME_NET": "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]", "EXTERNAL_NET": "!$HOME_NET"}
YES = ("yes", "true", "1", "on")


@dataclass
class Settings:
    mode: str = "observe"
    checksums: bool = True
    addresses: dict = field(default_factory=lambda: dict(DEFAULT_ADDRESSES))
    ports: dict = field(default_factory=dict)
    payload: bool = False
    packet: bool = False
    drop_flows: str = "start"
    midstream: bool = False  # Suricata's default, as the next one is
    midstream_policy: str = "auto"
    host_policies: dict = field(default_factory=dict)
    classes: str = ""
    ignored: list = field(default_factory=list)

    def toml(self):
        quote = json.dumps  # a JSON string is a TOML string
        lines = ["[stream]", f"checksum-validation = {quote('all' if self.checksums else 'none')}",
                 f"midstream = {quote(self.midstream)}", f"midstream-policy = {quote(self.midstream_policy)}"]
        lines += ["[host-os-policy]"] + [f"{k} = {quote(v)}" for k, v in self.host_policies.items()]
        lines += ["[vars.address-groups]"] + [f"{k} = {quote(v)}" for k, v in self.addresses.items()]
        lines += ["[vars.port-groups]"] + [f"{k} = {quote(v)}" for k, v in self.ports.items()]
        lines += ["[rules]", f"classification-file = {quote(self.classes)}"]
        lines += ["[outputs.eve-log]", f"payload = {quote(self.payload)}", f"packet = {quote(self.packet)}",
                  f"drop-flows = {quote(self.drop_flows)}"]
        return "\n".join(lines) + "\n"


def yes(value):
    return str(value).lower() in YES


def take(settings, key, value):
    """One setting by Suricata's dotted name."""
    if key == "stream.inline":
        settings.mode = "enforce" if yes(value) else "observe"
    elif key == "stream.checksum-validation":
        settings.checksums = yes(value)
    elif key == "stream.reassembly.depth":
        pass  # streams are inspected to their end
    elif key.startswith("host-os-policy."):
        settings.host_policies[key.rsplit(".", 1)[1]] = [str(prefix) for prefix in value or []]
    elif key == "stream.midstream":
        settings.midstream = yes(value)
    elif key in ("stream.midstream-policy", "exception-policy"):
        settings.midstream_policy = str(value)
    elif key.startswith("vars.address-groups."):
        settings.addresses[key.rsplit(".", 1)[1]] = str(value)
    elif key.startswith("vars.port-groups."):
        settings.ports[key.rsplit(".", 1)[1]] = str(value)
    else:
        settings.ignored.append(f"{key}={value}")


def take_arguments(settings, arguments):
    words = iter(word for line in arguments for word in shlex.split(str(line)))
    for word in words:
        if word == "--set":
            key, _, value = next(words).partition("=")
            take(settings, key, value)
        elif word in ("-k", "-knone"):
            settings.checksums = word == "-k" and next(words) != "none"
        elif word == "--simulate-ips":
            settings.mode = "enforce"
        else:
            settings.ignored.append(word)


def flat(tree, prefix=""):
    for key, value in (tree or {}).items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def take_outputs(settings, outputs):
    for output in outputs or []:
        for kind in (output.get("eve-log") or {}).get("types") or []:
            name, options = next(iter(kind.items())) if isinstance(kind, dict) else (kind, None)
            if name == "alert" and options:
                settings.payload = yes(options.get("payload", False))
                settings.packet = yes(options.get("packet", False))
            if name == "drop" and options:
                settings.drop_flows = options.get("flows", "all")


def carry_over(directory, test):
    settings = Settings(classes=str(shared("corpora/rules/etopen/classification.config")))
    path = directory / "suricata.yaml"
    if path.exists():
        tree = yaml.safe_load(path.read_text()) or {}
        take_outputs(settings, tree.pop("outputs", None))
        for name in ("logging", "stats"):  # nothing in them changes what is decided
            tree.pop(name, None)
        for key, value in flat(tree):
            take(settings, key, value)
    if "ips" in directory.name.split("-"):  # the rule of suricata-verify's own runner
        settings.mode = "enforce"
    take_arguments(settings, test.get("args") or [])
    return settings
