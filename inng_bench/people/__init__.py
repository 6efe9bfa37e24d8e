"""What people see: pages of blinded pairs, and what their answers say of the methods."""
