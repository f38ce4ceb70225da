raise BaseException("anything")
