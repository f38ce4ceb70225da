from meshscope import Environment
from services.people import availability

staging = Environment(name="staging", objectives={availability: 99.9})
