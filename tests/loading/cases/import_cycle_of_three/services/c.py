from services.a import a

c = a
