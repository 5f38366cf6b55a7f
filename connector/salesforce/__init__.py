"""The Salesforce adapter. The rest of the program needs these names only."""

from connector.salesforce.options import AuthKind, SalesforceOptions
from connector.salesforce.system import SalesforceSystem, connect

__all__ = ["AuthKind", "SalesforceOptions", "SalesforceSystem", "connect"]
