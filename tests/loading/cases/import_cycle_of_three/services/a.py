from services.b import b

a = b
