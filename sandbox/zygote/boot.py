import json,os,types
config=json.loads(os.read(3,1<<20))
def load(name):
    module=types.ModuleType(name)
    exec(compile(config["sources"][name],"<codecell/"+name+".py>","exec",dont_inherit=True),module.__dict__)
    return module
load("zygote").main(config,load)
