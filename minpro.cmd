@echo off
rem The minpro command on Windows. Untested: it does what ./minpro does as far as it can.
setlocal
set "MINPRO_JAVA="
for /f "usebackq delims=" %%j in (`powershell -NoProfile -ExecutionPolicy Bypass -File "%~dp0bin\prepare.ps1"`) do set "MINPRO_JAVA=%%j"
if not defined MINPRO_JAVA exit /b 2
if not defined OMP_NUM_THREADS set OMP_NUM_THREADS=1
if not defined OPENBLAS_NUM_THREADS set OPENBLAS_NUM_THREADS=1
if not defined OMP_WAIT_POLICY set OMP_WAIT_POLICY=passive
if not defined ONEDNN_PRIMITIVE_CACHE_CAPACITY set ONEDNN_PRIMITIVE_CACHE_CAPACITY=96
if not defined LRU_CACHE_CAPACITY set LRU_CACHE_CAPACITY=32
"%MINPRO_JAVA%\bin\java.exe" "@%~dp0app\target\java.args" %MINPRO_JAVA_OPTIONS% org.minpro.app.Main %*
exit /b %ERRORLEVEL%
