from services.c import c

b = c
