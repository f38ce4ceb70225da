from meshscope import Hours, Owner

team = Owner(name="team", issues="github:acme/team", hours=Hours(start="22:00", end="06:00", zone="Europe/Berlin"))
