"""The configuration: an INI file becomes `Settings`, typed and checked, or one error that lists every mistake.

* `snntoolbox.config.load`: ``load``, ``replace``, ``load_backend_settings``
* `snntoolbox.config.settings`: ``Settings`` and its sections; ``Section``, the base of a backend's own
* `snntoolbox.config.effective`: ``effective_options``, ``to_ini``

Nothing is imported here, so that nothing validates before there is something to check.
"""
