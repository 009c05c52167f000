package sandbox
import ("testing";"log/slog";"os")
func TestScratch(t *testing.T) {
	progs := []string{
"pass","import threading,time\nts=[threading.Thread(target=lambda: bytearray(1<<20)) for _ in range(4)]\n[x.start() for x in ts]\n[x.join() for x in ts]",
"import asyncio\nasyncio.run(asyncio.sleep(0.01))\nasync def m():\n  await asyncio.to_thread(print,1)\nasyncio.run(m())",
"import sqlite3\nc=sqlite3.connect('a.db')\nc.execute('create table t(x)')\nc.execute('insert into t values(1)')\nc.commit()\nprint(c.execute('select * from t').fetchall())",
"import tempfile,shutil,os\nf=tempfile.NamedTemporaryFile()\nf.write(b'x')\nopen('a','w').write('b')\nshutil.copy('a','b')\nshutil.copy2('a','d')\nshutil.move('b','c')\nos.makedirs('x/y')\nshutil.rmtree('x')\nprint(os.listdir())",
"from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as e: print(list(e.map(lambda x:x*x,range(100))))",
"import json,csv,re,datetime,zoneinfo,decimal,statistics,random,uuid,hashlib,secrets,platform\nprint(uuid.uuid4(),platform.platform(),datetime.datetime.now(),hashlib.sha256(b'x').hexdigest(),secrets.token_hex())",
"import uuid\nprint(uuid.uuid1())","import logging\nlogging.warning('x')","import multiprocessing\nprint(multiprocessing.cpu_count())\nq=multiprocessing.Queue()",
"import multiprocessing as m\nm.Process(target=print).start()","import zipfile,tarfile,gzip,lzma,bz2\nz=zipfile.ZipFile('a.zip','w')\nz.writestr('x','y')\nz.close()\nopen('f','w').write('q'*100000)\nt=tarfile.open('a.tgz','w:gz')\nt.add('f')\nt.close()\nt=tarfile.open('a.tgz')\nt.extractall('out')",
"import getpass\nprint(getpass.getuser())","import pathlib\np=pathlib.Path('q')\np.write_text('x')\nprint(p.stat(),p.resolve(),list(pathlib.Path('.').glob('*')))\np.touch()\np.chmod(0o600)",
"x=[bytes(1<<22) for _ in range(20)]\ndel x\nx=bytearray(1<<25)\nx.extend(x)\nimport gc\ngc.collect()","import mmap\nmmap.mmap(-1,4096)","import signal,os\nsignal.alarm(1)","import resource\nprint(resource.getrlimit(3))","import time,faulthandler\nfaulthandler.enable()\nfaulthandler.dump_traceback()","import os\nprint(os.cpu_count(),os.getloadavg())",
"import os\nprint(os.isatty(0),os.get_terminal_size())","import locale,shutil\nprint(shutil.get_terminal_size(), shutil.disk_usage('.'))","import ctypes\nctypes.CDLL(None).getpid()","import subprocess\nsubprocess.run(['ls'])","import urllib.request\nurllib.request.urlopen('http://example.com')","import socket\nsocket.getaddrinfo('example.com',80)","import turtle","import readline","import curses","raise SystemExit","1/0","import os\nos.abort()",
"import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return f(n+1)\nf(0)", "x=[]\nwhile 1: x.append(bytearray(1<<20))", "import os\nos.sched_setaffinity(0,{0})","import select\nselect.epoll()","import queue,threading,time\nt=threading.Timer(0.01,print)\nt.start()\nt.join()\nthreading.Event().wait(0.01)",
	}
	np := []string{"import numpy as np\na=np.random.rand(1000,1000)\nprint((a@a).sum())\nb=np.zeros((3000,3000))\nnp.linalg.svd(np.random.rand(100,100))",
"import pandas as pd,numpy as np\nd=pd.DataFrame({'a':np.arange(10)})\nd.to_csv('x.csv')\nprint(pd.read_csv('x.csv').describe())",
"import matplotlib.pyplot as plt\nplt.plot([1,2])\nplt.savefig('a.png')","import scipy.optimize,scipy.stats,scipy.linalg,scipy.fft,numpy as np\nprint(scipy.optimize.minimize(lambda x:(x**2).sum(),[1,2]).x, scipy.fft.fft(np.arange(8),workers=2))","from PIL import Image\nImage.new('RGB',(10,10)).save('a.png')","import numpy as np\nm=np.memmap('f',dtype='f8',mode='w+',shape=(1000,))\nm[:]=1\nm.flush()\nnp.save('a.npy',np.arange(10))\nnp.load('a.npy',mmap_mode='r')"}
	for name, list := range map[string][]string{"standard":progs,"data-science":append(progs,np...)} {
		l,err := LoadProfile(name); check(t,err)
		s := start(t, func(p *Profile, c *Config){ *p=*l; p.Limits.Memory=min(p.Limits.Memory,512); c.Python=os.Getenv("PY"); c.Log=slog.New(slog.NewTextHandler(os.Stderr,&slog.HandlerOptions{Level:slog.LevelDebug})) })
		for _,c := range list {
			r, err := s.Run(t.Context(), Job{Code:c, Limits: Limits{Timeout: 8e9}})
			e := string(r.Stderr.Data); if len(e)>90 {e=e[len(e)-90:]}
			t.Logf("%s %.60q: %q exit %d %v %.40q | %q", name, c, r.Denied, r.ExitCode, err, r.Stdout.Data, e)
		}
	}
}
