"""The ways in which the chart is used that differ most: what holds of all is looked for in each."""

from collections.abc import Mapping

from deploy import SIZES
from tests.deploy.rendering import Object, of_kind, render

DIGEST = "0" * 64

EVERYTHING: Object = {
    "hosts": ["mandat.example.org", "mandat.example.net"],
    "trustedProxies": ["10.1.0.0/16"],
    "demoAgentIssuers": [{"issuer": "https://idp.test", "jwks_uri": "https://idp.test/keys", "audience": "portal"}],
    "machines": [{"client_id": "payroll", "secret_digest": DIGEST, "scopes": ["access:evaluate"]}],
    "places": {"configMap": "places"},
    "directories": {"secret": "directories"},
    "traces": {"to": "http://collector.example.org:4318"},
    "services": {
        "accounts": {"api": {"autoscaling": {"enabled": True}}, "digest": f"sha256:{DIGEST}"},
        "authorizations": {"database": {"pooler": {"host": "pooler.example.org"}}},
        "linking": {"database": {"certificate": {"secret": "linking-certificate"}}},
    },
    "kafka": {
        "topicPrefix": "trial.",
        "authentication": "scram-sha-512",
        "tls": {"enabled": True, "ca": {"secret": "kafka-authority"}},
    },
    "postgres": {"tls": {"ca": {"secret": "postgres-authority"}}},
    "smtp": {
        "ca": {"secret": "relay-authority"},
        "username": "mandat",
        "password": {"secret": "relay"},
    },
    "bounces": {"address": "bounces@example.org", "server": True, "feedbackLoops": True},
    "gateway": {"create": True, "className": "any", "tls": {"secret": "certificate"}},
    "networkPolicies": {"operations": {"from": [{"namespaceSelector": {"matchLabels": {"watches": "yes"}}}]}},
    "monitoring": {"serviceMonitors": {"enabled": True}, "rules": {"enabled": True}, "dashboards": {"enabled": True}},
    "secrets": {"external": {"enabled": True, "store": {"name": "vault"}}},
    "auditVerification": {"enabled": True},
}

VARIANTS: Mapping[str, Object] = {
    "least": {},
    "whole": {
        "shape": "whole",
        "gateway": {"parentRefs": [{"name": "public", "sectionName": "https"}]},
        "kafka": {"authentication": "plain", "tls": {"enabled": True}},
    },
    "everything": EVERYTHING,
    "certificates": {"kafka": {"authentication": "mtls", "tls": {"enabled": True}}},
    "tokens": {
        "authorities": {"configMap": "authorities", "key": "bundle.pem"},
        "kafka": {
            "authentication": "oauthbearer",
            "tls": {"enabled": True},
            "oauth": {"tokenUrl": "https://idp.example.org/token", "scope": "kafka"},
        },
        "auditVerification": {"enabled": True},
    },
    "urls": {
        "services": {
            "linking": {"database": {"url": {"secret": "linking-url"}}, "auditor": {"url": {"secret": "auditors-url"}}}
        },
        "auditVerification": {"enabled": True},
    },
    "operators": {
        "kafka": {"mode": "strimzi", "authentication": "scram-sha-512"},
        "postgres": {"mode": "cloudnative-pg"},
        "auditVerification": {"enabled": True},
    },
}

NAMES = (*VARIANTS, *(file.name for file in sorted(SIZES.glob("*.yaml"))))


def rendered(name: str) -> list[Object]:
    """The objects of one of NAMES."""
    return render(VARIANTS[name]) if name in VARIANTS else render({}, SIZES / name)


def pods(objects: list[Object]) -> dict[str, Object]:
    """The template of a pod of everything that makes pods, by kind and name."""
    jobs = {
        f"CronJob {name}": one["spec"]["jobTemplate"]["spec"]["template"]
        for name, one in of_kind(objects, "CronJob").items()
    }
    return (
        jobs
        | {
            f"{one['kind']} {one['metadata']['name']}": one["spec"]["template"]
            for one in objects
            if "template" in one.get("spec", {}) and one["apiVersion"] in ("apps/v1", "batch/v1")
        }
        | {f"Pod {one['metadata']['name']}": one for one in objects if one["kind"] == "Pod"}
    )
