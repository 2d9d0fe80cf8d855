"""Who may do what: one module per resource, each rule with its operations."""

from __future__ import annotations

import itertools

from oslo_config import cfg
from oslo_context import context as oslo_context
from oslo_policy import opts, policy

from glint import exception
from glint.policies import (
    base,
    conductors,
    credentials,
    deployments,
    events,
    images,
    inventory,
    matrix,
    operations,
    quotas,
    site_types,
    sites,
    transfers,
    version,
)

MODULES = (
    base,
    version,
    site_types,
    sites,
    credentials,
    inventory,
    images,
    matrix,
    operations,
    deployments,
    transfers,
    events,
    quotas,
    conductors,
)


def list_rules() -> list[policy.RuleDefault]:
    """All rules, for the enforcer and for oslopolicy-sample-generator."""
    return list(itertools.chain.from_iterable(module.RULES for module in MODULES))


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """The enforcer of a process: Glint's rules, changed by the operator's policy file."""
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(list_rules())
    return enforcer


def get_enforcer() -> policy.Enforcer:
    """For the command line tools of oslo.policy, which have no configuration of their own."""
    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, "policy.yaml", enforce_scope=True, enforce_new_defaults=True)
    conf([], project="glint")
    return make_enforcer(conf)


def allows(enforcer: policy.Enforcer, rule: str, context: oslo_context.RequestContext) -> bool:
    """Whether the rule lets the caller do something within the caller's own project.

    What belongs to another project is not found in the database in the first place.
    """
    return bool(enforcer.authorize(rule, {"project_id": context.project_id}, context))


def check(enforcer: policy.Enforcer, rule: str, context: oslo_context.RequestContext) -> None:
    """:raises Forbidden: the rule does not allow it."""
    if not allows(enforcer, rule, context):
        raise exception.Forbidden(rule=rule)
