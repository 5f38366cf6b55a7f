"""WHERE: by threads of this process (embedded), or by whichever process takes it from the queue (engine)."""
