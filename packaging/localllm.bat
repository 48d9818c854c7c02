@echo off
rem Double-click on Windows: sets localllm up the first time, then runs it.
setlocal
set "START=%~dp0start.py"
where py >nul 2>nul && goto with_py
rem The name python alone may only point to the shop; then it does not run.
python -c "" >nul 2>nul && goto with_python
echo localllm needs Python 3.11 or newer: run  winget install Python.Python.3.13  and start again.
set "CODE=1"
goto ended
:with_py
py -3 "%START%" %*
set "CODE=%ERRORLEVEL%"
goto ended
:with_python
python "%START%" %*
set "CODE=%ERRORLEVEL%"
:ended
if not "%CODE%"=="0" if "%~1"=="" pause
exit /b %CODE%
