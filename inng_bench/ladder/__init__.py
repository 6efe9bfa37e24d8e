"""The ladder: do the metrics order known degradations of real texture as an eye would? ``inng-bench ladder``.

It looks at no method. A window that no metric was tuned on is degraded in known ways, and each metric has to put the
stronger degradation behind the milder one and both behind the window itself. What is found is published as it is, with
the rungs on which a metric fails.
"""
