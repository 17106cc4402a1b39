"""The rules in the order they are asked; the first refusal is the one the caller reads."""

from policy.question import Rule
from policy.rules.assistant_register import AssistantRegister
from policy.rules.budget import Budget
from policy.rules.data_class import DataClassClearance
from policy.rules.key_scope import KeyScope
from policy.rules.model_access import ModelAccess
from policy.rules.own_limits import OwnLimits
from policy.rules.parallel import Parallel
from policy.rules.rates import Rates
from policy.rules.request_size import RequestSize
from policy.rules.vendor_register import VendorRegister

RULES: tuple[type[Rule], ...] = (
    KeyScope,
    RequestSize,
    AssistantRegister,
    ModelAccess,
    DataClassClearance,
    VendorRegister,
    OwnLimits,
    Rates,
    Parallel,
    Budget,
)
