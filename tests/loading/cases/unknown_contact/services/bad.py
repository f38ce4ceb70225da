from meshscope import Owner

team = Owner(name="team", issues="github:acme/team", pager="pager-duty:team")
