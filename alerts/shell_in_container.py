"""A shell in a container of the mesh: nobody works there, so somebody is where they should not be."""

from meshscope import FalcoRule, open_issue, quarantine

shell = FalcoRule(rule="Terminal shell in container", respond=(quarantine(), open_issue()))
